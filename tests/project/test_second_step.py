"""Whoever has a second step signs in with a code that nobody guesses, replays or goes around."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from perf import clock
from project.models import AccessToken, AuditEntry, SignIn
from project.sign_in_views import COOKIE
from tests.project.codes import code, give_password, set_up
from tests.project.conftest import PASSWORD

pytestmark = pytest.mark.django_db
BOTH = "/two-steps/off/"


@pytest.fixture
def ann(person: Callable[..., User]) -> User:
    return person("ann", "viewer", password=PASSWORD)


def enter(browser: Client, value: str, **extra: Any) -> Any:
    return browser.post("/login/code/", {"code": value}, **extra)


def actions(*names: str) -> list[str]:
    return list(AuditEntry.objects.filter(action__in=names).order_by("pk").values_list("action", flat=True))


@pytest.mark.both_dbs
def test_password_alone_signs_nobody_in_who_has_a_second_step(ann: User) -> None:
    key, _ = set_up(ann)
    browser = give_password(ann, "/accounts/organizations/")
    assert not SignIn.objects.exists()
    assert browser.get("/api/grid").status_code == 401
    assert browser.get("/tokens/").status_code == 302
    assert "Second step" in browser.get("/login/code/").content.decode()
    answer = enter(browser, code(key))
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/organizations/")
    assert browser.get("/tokens/").status_code == 200
    assert not browser.cookies[COOKIE].value
    assert actions("auth.totp_added", "auth.totp_asked", "auth.sign_in") == [
        *("auth.totp_added", "auth.totp_asked", "auth.sign_in")
    ]


def test_sign_in_in_two_steps_never_leads_off_the_site(ann: User) -> None:
    key, _ = set_up(ann)
    for steps, there in enumerate(("https://evil.example/", "//evil.example/", "/\\evil.example", "/" + "x" * 5_000)):
        with clock.shifted(timedelta(seconds=30 * steps)):
            browser = give_password(ann, there)
            assert enter(browser, code(key))["Location"] == "/", there


@pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_phone_may_be_half_a_minute_wrong_and_no_more(ann: User, steps: int, is_right: bool) -> None:
    key, _ = set_up(ann)
    with clock.shifted(timedelta(minutes=5)):
        assert (enter(give_password(ann), code(key, steps)).status_code == 302) is is_right


@pytest.mark.both_dbs
def test_code_works_once_and_so_does_each_recovery_code(ann: User) -> None:
    key, recovery = set_up(ann)
    used = code(key)
    assert [enter(give_password(ann), used).status_code for _ in range(2)] == [302, 200]
    written = recovery[0].upper().replace("-", " ")
    assert [enter(give_password(ann), written).status_code for _ in range(2)] == [302, 200]
    assert enter(give_password(ann), recovery[1]).status_code == 302
    assert StaticToken.objects.filter(device__user=ann).count() == len(recovery) - 2 == 8
    stored = "".join(StaticToken.objects.values_list("token", flat=True))
    assert not [each for each in recovery if each.replace("-", "") in stored]


def test_code_with_which_the_app_was_set_up_does_not_sign_in(ann: User) -> None:
    browser = Client()
    browser.force_login(ann)
    browser.get("/two-steps/set-up/")
    first = code(browser.session["second_step"]["key"])
    browser.post("/two-steps/set-up/", {"password": PASSWORD, "code": first})
    assert enter(give_password(ann), first).status_code == 200


def test_ten_wrong_codes_lock_that_name_at_that_address_until_the_page_says(ann: User) -> None:
    key, recovery = set_up(ann)
    here = give_password(ann)
    answers = [enter(here, f"{number:06}") for number in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 900
    assert (clock.now() + timedelta(seconds=int(answers[-1]["Retry-After"]))).strftime("%H:%M") in (
        answers[-1].content.decode()
    )
    for right in (code(key), recovery[0]):
        assert enter(give_password(ann), right).status_code == 429
    assert enter(give_password(ann), recovery[0], REMOTE_ADDR="198.51.100.7").status_code == 302
    assert len(actions("auth.totp_refused")) == 10
    with clock.shifted(timedelta(minutes=15, seconds=5)):
        assert enter(give_password(ann), code(key)).status_code == 302


def test_whoever_has_the_password_and_many_addresses_guesses_a_hundred_codes_an_hour(ann: User) -> None:
    key, _ = set_up(ann)
    AuditEntry.objects.bulk_create(
        AuditEntry(action="auth.totp_refused", target="ann", detail={"where": f"2001:db8:{number:x}::"})
        for number in range(100)
    )
    assert enter(give_password(ann), code(key)).status_code == 429
    with clock.shifted(timedelta(minutes=61)):
        assert enter(give_password(ann), code(key)).status_code == 302


@pytest.mark.parametrize("change", ["late", "password", "deactivated", "second step", "forged"])
def test_half_way_ends_after_five_minutes_and_with_whatever_it_rested_on(ann: User, change: str) -> None:
    key, _ = set_up(ann)
    browser, shift = give_password(ann), timedelta(0)
    if change == "late":
        shift = timedelta(seconds=302)
    elif change == "password":
        ann.set_password("another long phrase 43")
        ann.save()
    elif change == "deactivated":
        User.objects.update(is_active=False)
    elif change == "second step":
        TOTPDevice.objects.all().delete()
    else:
        browser.cookies[COOKIE] = "x" + browser.cookies[COOKIE].value
    with clock.shifted(shift):
        answer = enter(browser, code(key))
    assert answer["Location"] == "/login/"
    assert not SignIn.objects.exists()


def test_odd_codes_are_wrong_ones(ann: User) -> None:
    set_up(ann)
    browser = give_password(ann)
    for odd in ("", "\0", "१२३४५६", "²" * 6, "-00001", "1e5", "12345", "9" * 40, "x" * 500):
        assert enter(browser, odd).status_code == 200, odd


def test_setting_up_takes_the_password_and_a_code_and_signs_other_devices_out(ann: User) -> None:
    here, other = Client(), Client()
    for browser in (here, other):
        browser.force_login(ann)
    page = here.get("/two-steps/set-up/")
    key = here.session["second_step"]["key"]
    assert "data:image/svg+xml" in page.content.decode()
    for wrong in ({"password": "wrong", "code": code(key)}, {"password": PASSWORD, "code": code(key, 3)}):
        assert here.post("/two-steps/set-up/", wrong).status_code == 200
        assert not TOTPDevice.objects.exists()
    page = here.post("/two-steps/set-up/", {"password": PASSWORD, "code": code(key)})
    assert page.content.decode().count("-") >= 20
    assert "no-store" in page["Cache-Control"]
    assert "second_step" not in here.session
    assert [browser.get("/two-steps/").status_code for browser in (here, other)] == [200, 302]
    assert key not in here.get("/two-steps/").content.decode()


def test_secret_that_waits_for_its_app_is_another_after_a_quarter_of_an_hour(ann: User) -> None:
    here = Client()
    here.force_login(ann)
    keys = []
    for minutes in (0, 14, 16):
        with clock.shifted(timedelta(minutes=minutes)):
            here.get("/two-steps/set-up/")
            keys.append(here.session["second_step"]["key"])
    assert keys[0] == keys[1] != keys[2]


def test_session_left_open_neither_turns_it_off_nor_shows_new_codes(ann: User) -> None:
    key, recovery = set_up(ann)
    here = give_password(ann)
    enter(here, code(key))
    for path in ("/two-steps/off/", "/two-steps/codes/"):
        for wrong in ({"password": "wrong", "code": recovery[0]}, {"password": PASSWORD, "code": "000000"}, {}):
            assert here.post(path, wrong).status_code == 200
    assert StaticToken.objects.count() == 10
    page = here.post("/two-steps/codes/", {"password": PASSWORD, "code": recovery[0]}).content.decode()
    assert recovery[1] not in page
    fresh = next(each for each in page.split() if each.count("-") == 2 and len(each) == 14)
    assert here.post("/two-steps/off/", {"password": PASSWORD, "code": fresh})["Location"] == "/two-steps/"
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()
    assert give_password(ann).get("/tokens/").status_code == 200
    assert actions("auth.recovery_codes_made", "auth.totp_removed", "auth.recovery_code_used") == [
        *("auth.recovery_code_used", "auth.recovery_codes_made", "auth.recovery_code_used", "auth.totp_removed")
    ]


def test_guesses_at_an_open_session_are_counted_too(ann: User) -> None:
    key, recovery = set_up(ann)
    here = give_password(ann)
    enter(here, code(key))
    tries = [here.post(BOTH, {"password": PASSWORD, "code": f"{number:06}"}).status_code for number in range(11)]
    assert tries == [200] * 10 + [429]
    assert here.post(BOTH, {"password": PASSWORD, "code": recovery[0]}).status_code == 429


def test_tokens_work_as_before(ann: User) -> None:
    _, secret = AccessToken.objects.make(ann, "script", "read")
    set_up(ann)
    assert Client().get("/api/grid", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_administrators_turn_off_anothers_second_step_and_not_their_own(person: Callable[..., User], ann: User) -> None:
    root, admin = person("root", "admin", password=PASSWORD), Client()
    set_up(ann)
    set_up(root)
    admin.force_login(root)
    admin.post("/admin/auth/user/", {"action": "take_second_step", "_selected_action": [ann.pk, root.pk]})
    assert TOTPDevice.objects.get().user == root
    entry = AuditEntry.objects.get(action="auth.totp_removed")
    assert (entry.actor, entry.target) == (root, "ann")
    assert give_password(ann).get("/tokens/").status_code == 200


def test_command_lets_the_only_administrator_in_again(person: Callable[..., User]) -> None:
    root = person("root", "admin", password=PASSWORD)
    set_up(root)
    call_command("remove_second_step", "root")
    assert give_password(root).get("/admin/").status_code == 200
    assert AuditEntry.objects.get(action="auth.totp_removed").actor is None
    for name in ("root", "nobody"):
        with pytest.raises(CommandError, match=r"alone already|Nobody is called"):
            call_command("remove_second_step", name)
