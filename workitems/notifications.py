"""Sends word of items by mail, webhook and text message, out of the outbox; nobody waits for it.

The socket of webhook and text messages is opened by the function that OUTWARD_POST names: this app has no way out.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.module_loading import import_string

from perf import outbox
from perf.outbox import Undelivered
from workitems.models import Notice, WorkItem
from workitems.models.notices import Event

SEND_SECONDS = 20.0  # of one round: the queue has other work
SMS_CHARACTERS = 459  # three parts of 153: what a phone shows as one message, and what is paid for
TWILIO = "https://api.twilio.com/2010-04-01/Accounts/{account}/Messages.json"
OURS_TO_MEND = (401, 403, 404, 429)  # of 4xx: the account or its limits, and so every message

TITLES: dict[str, str] = {
    Event.SUBMITTED: "{number} is submitted",
    Event.ASSIGNED: "{number} is assigned to {assignee}",
    Event.IN_REVIEW: "{number} is with {reviewer} for review",
    Event.NEEDS_REVISION: "{number} needs revision",
    Event.AWAITING_PHOTOS: "{number} awaits photos",
    Event.SENT_AGAIN: "{number} was sent again",
    Event.COMPLETED: "{number} has completed review",
    Event.REOPENED: "{number} was reopened",
    Event.TAKEN_BACK: "The last decision about {number} was taken back",
    Event.COMMENTED: "{by} commented on {number}",
}


@dataclass(frozen=True, slots=True)
class Words:
    """A notice in words: what happened, who did it, what they said, and where to go."""

    title: str
    by: str
    said: str
    link: str


def words(notice: Notice) -> Words:
    """What `notice` says, in every channel."""
    item = notice.work_item
    names = {"by": notice.by_name or "Tidemark", "number": item.number}
    people = {"assignee": item.assigned_to_name or "nobody", "reviewer": item.reviewer_name or "a reviewer"}
    link = f"{settings.BASE_URL}{reverse('workitems:item', args=[item.number])}"
    return Words(TITLES[notice.event].format(**names, **people), names["by"], notice.words.strip(), link)


def send(seconds: float = SEND_SECONDS) -> int:
    """Send what is due, for at most about `seconds`; how many notices arrived."""
    return outbox.send(Notice.objects.pending().select_related("work_item"), SENDERS, seconds)


def mail(notice: Notice) -> None:
    """Mail one notice. Its Message-ID stays the same when it is sent again, so that mail programs show one."""
    _refuse_unwanted(notice)
    told, host = words(notice), urlsplit(settings.BASE_URL).hostname
    headers = {"Message-ID": f"<tidemark-item-notice-{notice.pk}@{host}>", "Auto-Submitted": "auto-generated"}
    own_page = f"{settings.BASE_URL}{reverse('workitems:notices')}"
    context = {"words": told, "item": notice.work_item, "own_page": own_page}
    body = render_to_string("workitems/notice_email.txt", context)
    outbox.deliver_mail(EmailMessage(f"Tidemark: {told.title}", body, None, [notice.address], headers=headers))


def webhook(notice: Notice) -> None:
    """Post one notice as JSON, signed with WORKITEM_WEBHOOK_SECRET as alerts are with theirs."""
    body = json.dumps(payload(notice), ensure_ascii=False).encode()
    headers = outbox.signed(body, secret=settings.WORKITEM_WEBHOOK_SECRET, delivery=notice.pk)
    status, _ = _post(settings.WORKITEM_WEBHOOK_URL, headers, body)
    if not 200 <= status < 300:
        raise Undelivered(f"it answered with HTTP {status}")


def sms(notice: Notice) -> None:
    """Send one notice as a text message."""
    _refuse_unwanted(notice)
    text_message(notice.address, text_of(words(notice)))


def text_message(to: str, body: str) -> None:
    """Send `body` to the phone `to` now; Undelivered when it was not, with Twilio's reason.

    Source: Twilio's REST API, 2010-04-01, create a Message resource.
    """
    fields = {"To": to, "From": settings.TWILIO_FROM, "Body": body}
    login = b64encode(f"{settings.TWILIO_ACCOUNT_SID}:{settings.TWILIO_AUTH_TOKEN}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/x-www-form-urlencoded"}
    url = TWILIO.format(account=settings.TWILIO_ACCOUNT_SID)
    status, answer = _post(url, headers, urlencode(fields).encode())
    if not 200 <= status < 300:
        one = 400 <= status < 500 and status not in OURS_TO_MEND
        raise Undelivered(f"Twilio answered with HTTP {status}: {_fault(answer)}", channel_down=not one, for_good=one)


def text_of(told: Words) -> str:
    """The words as a text message: the link whole, what was said cut to fit."""
    frame = f"{told.title} (by {told.by})"
    room = SMS_CHARACTERS - len(frame) - len(told.link) - len(": “…” ")
    said = told.said if len(told.said) <= room else f"{told.said[: max(room, 0)].rstrip()}…"
    return f"{frame}: “{said}” {told.link}" if said else f"{frame} {told.link}"


def payload(notice: Notice) -> dict[str, Any]:
    """What the webhook is told; `id` is the same whenever a notice is sent again."""
    item, told = notice.work_item, words(notice)
    return {
        "id": notice.pk,
        "event": notice.event,
        "number": item.number,
        "status": item.status,
        "location": item.location,
        "description": item.description,
        "submitter": item.submitter_name,
        "assigned_to": item.assigned_to_name,
        "reviewer": item.reviewer_name,
        "at": notice.created_at.isoformat(),
        "by": told.by,
        "title": told.title,
        "words": told.said,
        "link": told.link,
    }


def _refuse_unwanted(notice: Notice) -> None:
    """Give up what would tell of an item in the bin, or tell somebody who may not read it any more."""
    item, to = notice.work_item, notice.recipient
    if item.deleted_at:
        raise Undelivered("the item is in the bin", channel_down=False, for_good=True)
    if to is None or not to.is_active or not WorkItem.objects.visible_to(to).filter(pk=item.pk).exists():
        raise Undelivered("they may not read the item any more", channel_down=False, for_good=True)


def _post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    post: Callable[[str, dict[str, str], bytes], tuple[int, bytes]] = import_string(settings.OUTWARD_POST)
    return post(url, headers, body)


def _fault(answer: bytes) -> str:
    """Why Twilio refused, in its own words."""
    try:
        said = json.loads(answer)
    except ValueError:
        return "no reason was given"
    return str(said.get("message", "no reason was given")) if isinstance(said, dict) else "no reason was given"


SENDERS: dict[str, Callable[[Notice], None]] = {
    Notice.Channel.MAIL: mail,
    Notice.Channel.WEBHOOK: webhook,
    Notice.Channel.SMS: sms,
}
