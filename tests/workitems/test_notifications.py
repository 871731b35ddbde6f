"""Notices of items: promised with what they tell of, sent once to the people it concerns, never in anybody's way."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from hashlib import sha256
from urllib.parse import parse_qs

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import transaction
from django.urls import reverse

from perf import clock, outbox
from project.models import AuditEntry
from tests.scraping.watching import hook_sink
from tests.workitems.conftest import person
from workitems import notifications
from workitems.deciding import Act, Wanted, decide, undo
from workitems.editing import assign
from workitems.models import Comment, Contact, Notice
from workitems.workflow import Status, move

pytestmark = pytest.mark.django_db
BASE = "https://tidemark.example.org"
SUBMITTED, IN_REVIEW, NEEDS_REVISION, AWAITING_PHOTOS, COMPLETED = Status


@pytest.fixture(autouse=True)
def _channels(settings):
    settings.ENABLE_NOTIFICATIONS = settings.MAIL = True
    settings.BASE_URL = BASE
    settings.SMS, settings.WORKITEM_WEBHOOK_URL = False, ""


@pytest.fixture
def people(mark, art, dana, alex):
    for one in (mark, art, dana, alex):
        one.email = f"{one.username}@example.org"
        one.save()
    return mark, art, dana, alex


@pytest.fixture
def hook(settings):
    """Every outward call ends here."""
    with hook_sink() as sink:
        settings.FAKE_PLATFORMS_URL = "http://127.0.0.1:{1}".format(*sink.server_address)
        yield sink


@pytest.fixture
def twilio(settings, hook, mark):
    settings.SMS, settings.MAIL = True, False
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.TWILIO_FROM = "AC1", "secret", "+14155552671"
    Contact.objects.create(user=mark, phone="+4915112345678")
    hook.status = 201
    return hook


def told() -> list[tuple[str, list[str]]]:
    """Subject and recipients of the mail that a round of sending brings."""
    mail.outbox.clear()
    notifications.send()
    return [(message.subject.removeprefix("Tidemark: "), message.to) for message in mail.outbox]


def test_each_step_is_told_to_whom_it_concerns_with_the_words_and_the_link(item, people) -> None:
    mark, art, dana, alex = people
    assert told() == []  # the queue shows reviewers what is new
    assign(item, art, by=dana, version=1)
    assert told() == [(f"{item.number} is assigned to Art", ["art@example.org"])]
    move(item, IN_REVIEW, by=dana, version=2)
    assert told() == []
    move(item, IN_REVIEW, by=dana, version=3, reviewer=alex)
    assert told() == [(f"{item.number} is with Alex for review", ["alex@example.org"])]
    move(item, AWAITING_PHOTOS, by=alex, version=4, reason="Photo 2 is blurred.\nRetake it with the tag plate.")
    assert told() == [(f"{item.number} awaits photos", [f"{name}@example.org"]) for name in ("mark", "art")]
    body = mail.outbox[0].body
    assert "Alex wrote:\n\nPhoto 2 is blurred.\nRetake it with the tag plate.\n" in body
    assert f"\n{BASE}/workitems/{item.number}/\n" in body
    assert f"{item.number}, Engine room\nValve leaks\n" in body
    move(item, SUBMITTED, by=mark, version=5)
    assert told() == [(f"{item.number} was sent again", ["alex@example.org"])]
    move(item, IN_REVIEW, by=alex, version=6)
    move(item, COMPLETED, by=alex, version=7)
    assert told() == [(f"{item.number} has completed review", [f"{name}@example.org"]) for name in ("mark", "art")]


@pytest.mark.parametrize("act", [Act.SEND_BACK, Act.COMPLETE])
def test_a_decision_that_is_taken_back_is_told_as_that_to_who_heard_of_it(item, people, act, hook, settings) -> None:
    made = decide(item, Wanted(act, "Which seal?"), by=people[2], version=1)
    told()
    settings.WORKITEM_WEBHOOK_URL, settings.WORKITEM_WEBHOOK_SECRET = "https://hooks.example.org/items", "s"
    undo(made, people[2])
    assert told() == [(f"The last decision about {item.number} was taken back", ["mark@example.org"])]
    assert [json.loads(body)["event"] for _, _, body in hook.received] == ["taken_back"]


def test_a_comment_is_told_to_the_others_on_the_item(item, people) -> None:
    mark, *_ = people
    Comment.objects.create(work_item=item, author=mark, author_name="Mark", text="Done?")
    assert told() == []
    dana = people[2]
    Comment.objects.create(work_item=item, author=dana, author_name="Dana", text="Not yet.")
    assert told() == [(f"Dana commented on {item.number}", ["mark@example.org"])]
    assert "Not yet." in mail.outbox[0].body


def test_who_left_lost_the_role_or_wants_none_is_not_told(item, people) -> None:
    mark, _, dana, _ = people
    for change in ({"is_active": False}, {"groups": []}, {"contact": False}):
        mark.is_active = change.get("is_active", True)
        mark.save()
        if "groups" in change:
            mark.groups.clear()
        if "contact" in change:
            person("mark", "crew")
            Contact.objects.create(user=mark, wants_mail=False)
        Notice.objects.tell(item, "completed_review", by=dana)
    assert not Notice.objects.exists()
    Contact.objects.update(wants_mail=True)
    Notice.objects.tell(item, "completed_review", by=dana)
    assert Notice.objects.get().address == "mark@example.org"


def test_a_step_that_is_undone_promises_nothing_and_switched_off_nothing_is_written(item, people, settings) -> None:
    dana = people[2]
    with transaction.atomic():
        assign(item, people[1], by=dana, version=1)
        assert Notice.objects.exists()
        transaction.set_rollback(True)
    assert not Notice.objects.exists()
    settings.ENABLE_NOTIFICATIONS = False
    item.refresh_from_db()
    assign(item, people[1], by=dana, version=1)
    assert not Notice.objects.exists()


@pytest.mark.parametrize(
    "leave",
    [lambda user: user.groups.clear(), lambda user: User.objects.update(is_active=False), lambda user: user.delete()],
    ids=["the role", "the house", "no account"],
)
def test_who_left_before_it_was_sent_is_not_told(item, people, leave) -> None:
    Notice.objects.tell(item, "completed_review", by=people[2])
    leave(people[0])
    assert told() == []
    assert Notice.objects.get().given_up


def test_an_item_in_the_bin_is_told_of_no_more(item, people) -> None:
    Notice.objects.tell(item, "completed_review", by=people[2])
    type(item).objects.filter(pk=item.pk).move_to_bin(people[2])
    assert told() == []
    assert Notice.objects.get().error == "the item is in the bin"
    assert Notice.objects.get().given_up


def test_the_webhook_gets_signed_json(item, dana, hook, settings) -> None:
    settings.WORKITEM_WEBHOOK_URL = "https://hooks.example.org/items"
    settings.WORKITEM_WEBHOOK_SECRET, settings.MAIL = "a long secret", False
    move(item, IN_REVIEW, by=dana, version=1)
    move(item, NEEDS_REVISION, by=dana, version=2, reason="Which side?")
    assert notifications.send() == 2
    (_, _, _), (path, headers, body) = hook.received
    assert path == "/hooks.example.org/items"
    said = json.loads(body)
    assert (said["event"], said["number"], said["by"], said["words"]) == (
        "needs_revision",
        item.number,
        "Dana",
        "Which side?",
    )
    assert said["link"] == f"{BASE}/workitems/{item.number}/"
    signed = headers["X-Tidemark-Timestamp"].encode() + b"." + body
    assert headers["X-Tidemark-Signature"] == f"sha256={hmac.new(b'a long secret', signed, sha256).hexdigest()}"
    assert headers["X-Tidemark-Delivery"] == str(said["id"])


def test_a_webhook_inside_our_network_is_never_called(item, dana, settings) -> None:
    settings.WORKITEM_WEBHOOK_URL, settings.WORKITEM_WEBHOOK_SECRET = "https://127.0.0.1/x", "secret"
    move(item, IN_REVIEW, by=dana, version=1)
    assert notifications.send() == 0
    assert "forbidden_address" in Notice.objects.get().error


def test_a_text_message_goes_out_as_twilio_takes_it(item, dana, twilio) -> None:
    move(item, IN_REVIEW, by=dana, version=1)
    move(item, NEEDS_REVISION, by=dana, version=2, reason="Which side & deck?")
    assert notifications.send() == 1
    ((path, headers, body),) = twilio.received
    assert path == "/api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"AC1:secret"
    assert parse_qs(body.decode()) == {
        "To": ["+4915112345678"],
        "From": ["+14155552671"],
        "Body": [f"{item.number} needs revision (by Dana): “Which side & deck?” {BASE}/workitems/{item.number}/"],
    }


def test_a_long_reason_is_cut_and_the_link_is_whole() -> None:
    link = f"{BASE}/workitems/0101/"
    text = notifications.text_of(notifications.Words("0101 needs revision", "Dana", "blurred " * 200, link))
    assert len(text) <= notifications.SMS_CHARACTERS
    assert text.endswith(f"…” {link}")
    assert "“blurred blurred" in text


@pytest.mark.parametrize(("status", "given_up"), [(400, True), (401, False), (429, False), (503, False)])
def test_only_a_number_that_twilio_refuses_is_given_up_at_once(item, dana, twilio, status: int, given_up: bool) -> None:
    twilio.status = status
    Notice.objects.tell(item, "completed_review", by=dana)
    assert notifications.send() == 0
    notice = Notice.objects.get()
    assert (notice.given_up, notice.error) == (given_up, f"Twilio answered with HTTP {status}: no reason was given")
    twilio.status = 201
    with clock.shifted(outbox.FIRST_RETRY + timedelta(seconds=1)):
        assert notifications.send() == (0 if given_up else 1)


def test_how_one_is_told_is_set_on_ones_own_page(client, mark, item, dana) -> None:
    Notice.objects.tell(item, "completed_review", by=dana)
    mark.email = "mark@example.org"
    mark.save()
    Notice.objects.tell(item, "needs_revision", by=dana, words="Which side?")
    client.force_login(mark)
    address = reverse("workitems:notices")
    page = client.get(address).content.decode()
    assert "Which side?" in page
    assert "Mail to mark@example.org" in page
    refused = client.post(address, {"phone": "0151 123"})
    assert (refused.status_code, Contact.objects.count()) == (400, 0)
    assert "country code" in refused.content.decode()
    assert client.post(address, {"phone": "+4915112345678", "wants_sms": "on"}).status_code == 302
    contact = Contact.objects.get()
    assert (contact.user, contact.phone, contact.wants_mail, contact.wants_sms) == (mark, "+4915112345678", False, True)
    assert AuditEntry.objects.filter(action="workitems.contact", actor=mark).count() == 1
