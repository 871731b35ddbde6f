"""What a stranger, or somebody at a session left open, may try of passwords, and how often."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from perf import clock
from project import audit
from project.models import AuditEntry
from tests.project.conftest import PASSWORD

pytestmark = pytest.mark.django_db

ELSEWHERE = "198.51.100.7"
SAME_CUSTOMER = [f"2001:db8:7:1::{host:x}" for host in range(1, 12)]


def ask(address: str, email: str = "ann@example.org") -> Any:
    return Client().post("/password/reset/", {"email": email}, REMOTE_ADDR=address)


def sign_in(name: str, address: str, password: str = "wrong", **headers: str) -> int:
    form = {"username": name, "password": password}
    return Client().post("/login/", form, REMOTE_ADDR=address, headers=headers).status_code


def test_nobody_floods_a_mailbox_with_reset_links(person: Callable[..., User], settings: Any) -> None:
    settings.MAIL = True
    person("ann", password=PASSWORD, email="ann@example.org")
    person("bob", password=PASSWORD, email="bob@example.org")
    answers = [ask(f"198.51.100.{number}") for number in range(5)]
    assert {answer.status_code for answer in answers} == {302}  # which tells nothing of whom it mailed
    assert len(mail.outbox) == AuditEntry.objects.filter(action="auth.reset_mailed", target="ann").count() == 3
    ask(ELSEWHERE, "bob@example.org")
    assert mail.outbox[-1].to == ["bob@example.org"]
    with clock.shifted(timedelta(minutes=61)):
        ask(ELSEWHERE)
        assert mail.outbox[-1].to == ["ann@example.org"]


def test_asking_for_a_link_tells_in_no_header_whether_the_address_is_known(person: Callable[..., User]) -> None:
    person("ann", password=PASSWORD, email="ann@example.org")
    known, unknown = ask(ELSEWHERE), ask(ELSEWHERE, "nobody@example.org")
    without_times = [re.sub(r"dur=[\d.]+", "", answer["Server-Timing"]) for answer in (known, unknown)]
    assert without_times == ["total;", "total;"]


def test_one_address_asks_for_ten_links_in_a_quarter_of_an_hour(person: Callable[..., User]) -> None:
    asked = [ask(address, "nobody@example.org") for address in SAME_CUSTOMER]
    assert [answer.status_code for answer in asked] == [302] * 10 + [429]
    assert 1 <= int(asked[-1]["Retry-After"]) <= 900
    assert "Try again in" in asked[-1].content.decode()
    assert ask(ELSEWHERE).status_code == 302
    with clock.shifted(timedelta(minutes=16)):
        assert ask(SAME_CUSTOMER[0]).status_code == 302


def test_session_left_open_does_not_tell_its_password(client: Client, person: Callable[..., User]) -> None:
    client.force_login(person("ann", password=PASSWORD))
    guess = {"old_password": "wrong", "new_password1": "a new phrase 4321", "new_password2": "a new phrase 4321"}
    answers = [client.post("/password/", guess).status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]
    assert client.post("/password/", guess | {"old_password": PASSWORD}).status_code == 429
    with clock.shifted(timedelta(minutes=16)):
        assert client.post("/password/", guess | {"old_password": PASSWORD}).status_code == 302
    assert AuditEntry.objects.filter(action="auth.old_password_wrong", actor_name="ann").count() == 10


def test_no_other_way_of_writing_name_or_address_dodges_the_lock(person: Callable[..., User]) -> None:
    person("ann", password=PASSWORD)
    names = ["ann", " ann", "ann\t", "\N{FULLWIDTH LATIN SMALL LETTER A}nn", "ann\n", "ann", "\u2003ann", "ann ", "ann"]
    tried = [
        sign_in(name, address, **{"User-Agent": f"{number}", "X-Forwarded-For": f"198.51.100.{number}"})
        for number, (name, address) in enumerate(zip([*names, "ann"], SAME_CUSTOMER, strict=False))
    ]
    assert tried == [200] * 9 + [429]
    assert sign_in("ann", SAME_CUSTOMER[-1], PASSWORD) == 429
    assert sign_in("ANN", SAME_CUSTOMER[-1], PASSWORD) == 200  # nobody: names are told apart by their letters
    assert sign_in("ann", "2001:db8:7:2::1", PASSWORD) == 302
    for _ in range(10):
        sign_in("ann", "::ffff:198.51.100.9")
    assert sign_in("ann", "198.51.100.9", PASSWORD) == 429  # the same address, written as IPv6


@pytest.mark.parametrize("field", ["username", "password", "next", "other"])
def test_odd_bytes_in_a_sign_in_are_a_refusal_like_any_other(field: str) -> None:
    for value in ("a\0b", "\ud800".encode("utf-8", "surrogatepass"), "x" * 5_000, "\u202e\ufffe"):
        form = {"username": "ann", "password": "wrong"} | {field: value}
        client = Client(raise_request_exception=False)
        assert client.post("/login/", form, headers={"User-Agent": "a" * 900, "Accept": "b" * 3_000}).status_code == 200


def test_answers_that_do_not_say_so_are_kept_by_nobody(client: Client, person: Callable[..., User]) -> None:
    client.force_login(person("ann", "viewer"))
    for path in ("/accounts/organizations/", "/password/", "/nothing/", "/api/nothing", "/admin/"):
        assert {"private", "no-store"} <= set(client.get(path)["Cache-Control"].split(", ")), path


def test_few_passwords_are_checked_at_once_and_fewer_of_one_address(
    person: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, elsewhere, third = "198.51.100.1", "198.51.100.2", "198.51.100.3"
    meanwhile, refused = [here, here, elsewhere, third], []

    def checking(*_: object, **__: object) -> None:
        """Others sign in while this password is checked."""
        while meanwhile:
            address = meanwhile.pop(0)
            form = {"username": "ann", "password": PASSWORD}
            answer = Client().post("/login/", form, REMOTE_ADDR=address)
            if answer.status_code != 200:
                refused.append((address, answer))

    monkeypatch.setattr(ModelBackend, "authenticate", checking)
    assert sign_in("ann", here) == 200
    assert [(address, answer.status_code) for address, answer in refused] == [(here, 429), (third, 429)]
    page = refused[0][1]
    assert (page["Retry-After"], 'value="ann"' in page.content.decode()) == ("5", True)
    assert "Too many are signing in at this moment" in page.content.decode()
    assert PASSWORD not in page.content.decode()
    assert AuditEntry.objects.count() == 3  # of those who were looked at
    monkeypatch.undo()
    person("ann", password=PASSWORD)
    assert sign_in("ann", here, PASSWORD) == 302


def test_one_address_fills_no_log_with_failed_sign_ins_and_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "SIGN_INS_RECORDED", audit.SIGN_INS_RECORDED._replace(limit=12))
    tried = [sign_in(f"nobody{number % 3}", SAME_CUSTOMER[number % 10]) for number in range(33)]
    assert tried == [200] * 27 + [429] * 6  # what is not recorded is counted for the lock all the same
    with clock.shifted(timedelta(minutes=16)):
        sign_in("nobody", SAME_CUSTOMER[0])
    sign_in("nobody", ELSEWHERE)
    recorded = list(AuditEntry.objects.order_by("pk").values_list("action", "detail__where"))
    here, there = "2001:db8:7:1::", ELSEWHERE
    more, failed = ("auth.more_sign_ins_failed", here), ("auth.sign_in_failed", here)
    assert recorded == [*[failed] * 12, more, failed, ("auth.sign_in_failed", there)]


def test_locks_are_counted_with_what_one_address_may_write_into_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "SIGN_INS_RECORDED", audit.SIGN_INS_RECORDED._replace(limit=28))
    for number in range(30):
        sign_in(f"nobody{number % 3}", ELSEWHERE)
    recorded = Counter(AuditEntry.objects.values_list("action", flat=True))
    assert recorded == {"auth.sign_in_failed": 27, "auth.locked_out": 1, "auth.more_sign_ins_failed": 1}


def test_password_typed_as_a_name_is_not_kept_in_the_log() -> None:
    for _ in range(10):
        sign_in(PASSWORD, ELSEWHERE)
    assert set(AuditEntry.objects.values_list("target", flat=True)) == {"an unknown name"}
    assert PASSWORD not in str(list(AuditEntry.objects.values()))
