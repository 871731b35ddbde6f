"""Alerts and their notices: one each, however many look, whatever breaks between."""

from __future__ import annotations

import email
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import policy
from hashlib import sha256
from typing import Any

import pytest
from django.core import mail
from django.db import connections

from perf import clock, outbox
from project.models import AuditEntry
from scraping import alerts, condition, heartbeats, ledger, notices, watching, wording
from scraping.models import Alert, AlertMute, Notice, Problem
from tests import factories
from tests.scraping.watching import hook_sink, smtp_sink

both = pytest.mark.both_dbs
HOOK = "https://hooks.example.org/tidemark?room=1"
PROBLEM = Problem(Alert.Kind.DEAD_TOKEN, "x", "x", {"waiting": 412})


@pytest.fixture(autouse=True)
def _mail(settings: Any) -> None:
    settings.MAIL = True


@pytest.fixture
def wrong(monkeypatch: Any) -> Iterator[list[Problem]]:
    """The problems that there are; nothing else is looked at."""
    problems: list[Problem] = []
    monkeypatch.setattr(watching, "CONDITIONS", {Alert.Kind.DEAD_TOKEN: lambda: list(problems)})
    return problems


@pytest.fixture
def editor(db: None) -> Any:
    return factories.user("editor", email="editor@example.org")


def sent() -> int:
    """How many mails went out."""
    before = len(mail.outbox)
    notices.send()
    return len(mail.outbox) - before


# --- Opening, keeping, closing


@both
def test_an_alert_is_told_of_once_when_it_opens_and_once_when_it_is_over(wrong: list[Problem], editor: Any) -> None:
    wrong.append(PROBLEM)
    for _ in range(3):
        alerts.evaluate()
        notices.send()
    assert [message.subject for message in mail.outbox] == ["Tidemark: X no longer accepts our credential"]
    wrong.clear()
    alerts.evaluate()
    assert sent() == 0
    with clock.shifted(timedelta(minutes=11)):
        for _ in range(3):
            alerts.evaluate()
            notices.send()
    assert [message.subject for message in mail.outbox[1:]] == [
        "Tidemark: Well again: X no longer accepts our credential"
    ]
    assert "There is nothing to do." in mail.outbox[1].body
    assert Alert.objects.get().closed_at


@both
def test_a_flapping_alert_is_told_of_once(wrong: list[Problem], editor: Any) -> None:
    wrong.append(PROBLEM)
    alerts.evaluate()
    opened_at = Alert.objects.get().opened_at
    for minutes in (3, 6, 9):
        with clock.shifted(timedelta(minutes=minutes)):
            wrong.clear()
            alerts.evaluate()
            wrong.append(PROBLEM)
            alerts.evaluate()
            notices.send()
    assert len(mail.outbox) == 1
    assert Alert.objects.open().get().opened_at == opened_at
    assert not Notice.objects.filter(event="recovered").exists()


def test_what_comes_back_after_ten_minutes_is_a_new_alert(wrong: list[Problem], editor: Any) -> None:
    wrong.append(PROBLEM)
    alerts.watch()
    wrong.clear()
    alerts.watch()
    wrong.append(PROBLEM)
    with clock.shifted(timedelta(minutes=11)):
        alerts.evaluate()
        notices.send()
    assert Alert.objects.count() == 2
    assert [message.subject.count("Well again") for message in mail.outbox] == [0, 1, 0]


def test_an_open_alert_keeps_up_with_its_figures(wrong: list[Problem], db: None) -> None:
    wrong.append(PROBLEM)
    alerts.evaluate()
    wrong[0] = Problem(PROBLEM.kind, PROBLEM.key, "x", {"waiting": 1})
    alerts.evaluate()
    assert wording.words(Alert.objects.get()).kept == "1 account waits; nothing is lost."


@pytest.mark.django_db(transaction=True)
def test_eight_processes_that_look_at_once_raise_one_alert(wrong: list[Problem], editor: Any) -> None:
    wrong.append(PROBLEM)
    together = threading.Barrier(8)

    def look() -> None:
        together.wait()
        alerts.evaluate()
        connections.close_all()

    for _ in range(2):  # the second round finds it just closed
        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Alert.objects.open().count() == Alert.objects.count() == 1
        assert Notice.objects.filter(event="opened").count() == 1
        Alert.objects.update(closed_at=clock.now())


def test_a_condition_that_breaks_leaves_its_alerts_and_the_others_their_turn(monkeypatch: Any, db: None) -> None:
    def broken() -> list[Problem]:
        raise ValueError("no route")

    Alert.objects.create(kind="backlog", key="x", platform="x", opened_at=clock.now())
    monkeypatch.setattr(watching, "CONDITIONS", {"backlog": broken, "dead_token": lambda: [PROBLEM]})
    with pytest.raises(ExceptionGroup) as raised:
        alerts.evaluate()
    assert [str(error) for error in raised.value.exceptions] == ["no route"]
    assert set(Alert.objects.open().values_list("kind", flat=True)) == {"backlog", "dead_token"}


# --- Who is told


def test_mail_goes_to_active_editors_and_admins_with_an_address_who_did_not_mute(wrong: Any, db: None) -> None:
    people = {role: factories.user(role, email=f"{role}@example.org") for role in ("viewer", "editor", "admin", "crew")}
    factories.user("editor", email="")
    factories.user("editor", email="gone@example.org", is_active=False)
    alerts.mute(factories.user("editor", email="muted@example.org"), "dead_token")
    alerts.mute(people["editor"], "budget")
    wrong.append(PROBLEM)
    alerts.evaluate()
    notices.send()
    assert {address for message in mail.outbox for address in message.to} == {"editor@example.org", "admin@example.org"}
    assert all(len(message.to) == 1 for message in mail.outbox)


def test_a_mute_is_recorded_and_taken_back(editor: Any) -> None:
    alerts.mute(editor, "budget")
    alerts.mute(editor, "budget")
    assert AlertMute.objects.get().kind == "budget"
    alerts.unmute(editor, "budget")
    assert not AlertMute.objects.exists()
    recorded = AuditEntry.objects.filter(target="budget").order_by("pk").values_list("action", "actor")
    assert [action for action, _ in recorded] == ["alerts.mute", "alerts.mute", "alerts.unmute"]
    assert {actor for _, actor in recorded} == {editor.pk}


def test_without_mail_and_webhook_the_alert_stands_and_nobody_is_told(wrong: Any, editor: Any, settings: Any) -> None:
    settings.MAIL = False
    wrong.append(PROBLEM)
    alerts.evaluate()
    assert Alert.objects.open().exists()
    assert not Notice.objects.exists()


def test_the_mail_says_what_happened_what_was_kept_and_what_to_do(wrong: Any, editor: Any, settings: Any) -> None:
    settings.BASE_URL = "https://tidemark.example.org"
    wrong.append(PROBLEM)
    alerts.evaluate()
    notices.send()
    body = mail.outbox[0].body
    assert "X refused the credential that is set" in body
    assert "412 accounts wait; nothing is lost." in body
    assert "Set a new X_TOKEN and restart." in body
    assert "https://tidemark.example.org/scraping/platforms/x/\n" in body
    assert "https://tidemark.example.org/scraping/alerts/" in body


# --- On the wire


def test_mail_arrives_at_a_real_server(wrong: Any, editor: Any, settings: Any) -> None:
    factories.user("editor", email="refused@example.org")
    wrong.append(PROBLEM)
    alerts.evaluate()
    with smtp_sink() as sink:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = sink.server_address
        assert notices.send() == 1
    (raw,) = sink.received
    message = email.message_from_string(raw, policy=policy.default)
    assert message["To"] == "editor@example.org"
    assert message["Subject"] == "Tidemark: X no longer accepts our credential"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "What to do:" in message.get_content()
    refused = Notice.objects.get(address="refused@example.org")
    assert (refused.sent_at, refused.tries) == (None, 1)
    assert "nobody of that name" in refused.error


@pytest.fixture
def hook(settings: Any) -> Iterator[Any]:
    """The webhook's receiver, reached as every platform is in tests."""
    settings.ALERT_WEBHOOK_URL, settings.ALERT_WEBHOOK_SECRET = HOOK, "a long secret"
    with hook_sink() as sink:
        settings.FAKE_PLATFORMS_URL = "http://127.0.0.1:{1}".format(*sink.server_address)
        yield sink


def test_the_webhook_gets_signed_json(wrong: Any, db: None, hook: Any) -> None:
    wrong.append(PROBLEM)
    alerts.evaluate()
    assert notices.send() == 1
    ((path, headers, body),) = hook.received
    assert path == "/hooks.example.org/tidemark?room=1"
    said = json.loads(body)
    assert (said["event"], said["kind"], said["platform"]) == ("opened", "dead_token", "x")
    assert said["happened"]
    assert said["detail"] == {"waiting": 412}
    signed = headers["X-Tidemark-Timestamp"].encode() + b"." + body
    assert headers["X-Tidemark-Signature"] == f"sha256={hmac.new(b'a long secret', signed, sha256).hexdigest()}"
    assert headers["X-Tidemark-Delivery"] == str(said["id"])
    assert b"a long secret" not in body


def test_a_webhook_inside_our_network_is_never_called(wrong: Any, db: None, settings: Any) -> None:
    settings.ALERT_WEBHOOK_URL, settings.ALERT_WEBHOOK_SECRET = "https://127.0.0.1/x", "secret"
    wrong.append(PROBLEM)
    alerts.evaluate()
    assert notices.send() == 0
    assert "forbidden_address" in Notice.objects.get().error


def test_mail_goes_out_while_the_webhook_fails_and_the_other_way_round(
    wrong: Any, editor: Any, hook: Any, settings: Any
) -> None:
    hook.status = 500
    wrong.append(PROBLEM)
    alerts.evaluate()
    assert notices.send() == 1
    assert len(mail.outbox) == 1
    failed = Notice.objects.get(channel="webhook")
    assert (failed.sent_at, failed.error) == (None, "it answered with HTTP 500")
    hook.status = 200
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    Notice.objects.filter(channel="mail").update(sent_at=None)
    with clock.shifted(timedelta(minutes=3)):
        assert notices.send() == 1
    assert Notice.objects.get(channel="webhook").sent_at
    assert "refused" in Notice.objects.get(channel="mail").error


# --- What breaks between


@both
def test_what_fails_is_tried_again_later_and_later_and_then_given_up(wrong: Any, db: None, hook: Any) -> None:
    hook.status = 503
    wrong.append(PROBLEM)
    alerts.evaluate()
    waits = []
    for _ in range(outbox.TRIES):
        Notice.objects.update(due_at=clock.now())
        notices.send()
        waits.append(round((Notice.objects.get().due_at - clock.now()).total_seconds() / 60))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert Notice.objects.get().given_up
    with clock.shifted(timedelta(days=1)):
        assert notices.send() == 0
    assert len(hook.received) == outbox.TRIES


def test_a_sender_that_dies_loses_nothing_and_doubles_one_notice_at_most(
    wrong: Any, editor: Any, hook: Any, monkeypatch: Any
) -> None:
    def die(notice: Notice) -> None:
        notices.mail(notice)
        raise SystemExit

    wrong.append(PROBLEM)
    alerts.evaluate()
    monkeypatch.setitem(notices.SENDERS, Notice.Channel.MAIL, die)
    with pytest.raises(SystemExit):
        notices.send()
    monkeypatch.undo()
    assert sent() == 0
    with clock.shifted(outbox.LEASE + timedelta(seconds=1)):
        assert sent() == 1
        assert sent() == 0
    assert len(mail.outbox) == 2
    assert len(hook.received) == 1
    assert mail.outbox[0].extra_headers["Message-ID"] == mail.outbox[1].extra_headers["Message-ID"]


@pytest.fixture(params=[-1, 1], ids=["behind", "ahead"])
def wrong_clock(request: Any, monkeypatch: Any) -> None:
    """This process's clock, an hour away from the database's."""
    right, off = clock.now, timedelta(hours=request.param)
    monkeypatch.setattr(clock, "now", lambda: right() + off)


@both
def test_a_wrong_clock_neither_delays_nor_frees_a_notice(wrong: Any, editor: Any, wrong_clock: None) -> None:
    wrong.append(PROBLEM)
    alerts.evaluate()
    notice = Notice.objects.due().get()
    assert outbox.claim(notice)
    assert not Notice.objects.due().exists()
    with clock.shifted(outbox.LEASE * 2):
        assert Notice.objects.due().exists()


@both
def test_an_address_that_no_mail_can_have_holds_nobody_else_up(wrong: Any, db: None) -> None:
    for address in ("a\nb@example.org", "editor@example.org"):
        factories.user("editor", email=address)
    wrong.append(PROBLEM)
    alerts.evaluate()
    assert sent() == 1
    assert Notice.objects.get(sent_at=None).error.startswith("BadHeaderError")


@both
def test_a_wrong_clock_misses_no_process_that_is_at_work(db: None, wrong_clock: None) -> None:
    ledger.beat("worker", "beat")
    assert heartbeats.states() == {"worker": "ok", "beat": "ok"}
    assert not any(pulse.silent for pulse in condition.pulses())


def test_a_notice_that_another_process_took_is_left_to_it(wrong: Any, editor: Any) -> None:
    wrong.append(PROBLEM)
    alerts.evaluate()
    notice = Notice.objects.get()
    assert outbox.claim(notice)
    assert not outbox.claim(notice)


def test_word_of_a_recovery_never_overtakes_the_alert(wrong: Any, db: None, hook: Any) -> None:
    hook.status = 500
    wrong.append(PROBLEM)
    alerts.evaluate()
    notices.send()
    wrong.clear()
    alerts.evaluate()
    hook.status = 200
    with clock.shifted(timedelta(minutes=11)):
        Notice.objects.filter(event="opened").update(due_at=clock.now() + timedelta(minutes=1))
        assert notices.send() == 0
        Notice.objects.filter(event="opened").update(due_at=clock.now())
        assert [notices.send(), notices.send()] == [1, 1]
    assert [json.loads(body)["event"] for _, _, body in hook.received[1:]] == ["opened", "recovered"]


def test_a_round_of_sending_ends_in_time(wrong: Any, db: None) -> None:
    for number in range(3):
        factories.user("editor", email=f"editor{number}@example.org")
    wrong.append(PROBLEM)
    alerts.evaluate()
    assert notices.send(seconds=0) == 0
    assert notices.send() == 3
