"""Delivery of alerts by mail and webhook, out of an outbox: a row per address, sent once, tried again with back-off.

Rows go by the database's clock: an hour's error of one machine neither doubles nor delays a notice.
A row is claimed before it is sent and marked after: a crash between doubles at most that one notice, and loses none.
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from hashlib import sha256
from smtplib import SMTPDataError, SMTPRecipientsRefused
from time import monotonic
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db.models import F
from django.db.models.expressions import Combinable
from django.template.loader import render_to_string
from django.urls import reverse

from perf import clock
from scraping import wording
from scraping.connectors.base import CallFailed, Request
from scraping.fetch import Fetcher
from scraping.models import MAX_ERROR, Alert, AlertMute, Notice

PERMISSION = "scraping.request_scrape"  # who may do something about an alert is told of it
BACKEND = "django.contrib.auth.backends.ModelBackend"
TRIES = 10  # over about six hours
FIRST_RETRY = timedelta(minutes=1)  # doubled with each try
LONGEST_RETRY = timedelta(hours=1)
LEASE = timedelta(minutes=2)  # after which a notice whose sender died is sent again
SEND_SECONDS = 20.0  # of one round: the queue has other work
WEBHOOK_SECONDS = 10.0

logger = logging.getLogger(__name__)


class Undelivered(Exception):
    """A notice did not arrive; `channel_down` tells whether others of its channel would not either."""

    def __init__(self, why: str, *, channel_down: bool = True) -> None:
        super().__init__(why)
        self.channel_down = channel_down


# --- Writing ----------------------------------------------------------------------------------------


def recipients(kind: str) -> set[str]:
    """Addresses of the active people who may scrape, have one and did not mute `kind`; none without mail."""
    if not settings.MAIL:
        return set()
    people = get_user_model().objects.with_perm(PERMISSION, backend=BACKEND).filter(is_active=True)
    muted = AlertMute.objects.filter(kind=kind).values("user")
    return set(people.exclude(email="").exclude(pk__in=muted).values_list("email", flat=True))


def write_opened(alert: Alert) -> None:
    """Promise word of a new alert to everybody it concerns; runs in the transaction that opens it."""
    mails = [(Notice.Channel.MAIL, address) for address in sorted(recipients(alert.kind))]
    hook = [(Notice.Channel.WEBHOOK, "")] if settings.ALERT_WEBHOOK_URL else []
    _write(alert, Notice.Event.OPENED, [*mails, *hook], clock.db_now())


def write_recovered(alert: Alert, due_at: Combinable) -> None:
    """Promise word of the recovery to those who were told of the alert, not before `due_at`."""
    told = alert.notices.filter(event=Notice.Event.OPENED, given_up=False).values_list("channel", "address")
    wanted = recipients(alert.kind)
    still = [(channel, address) for channel, address in told if channel == Notice.Channel.WEBHOOK or address in wanted]
    _write(alert, Notice.Event.RECOVERED, still, due_at)


def _write(alert: Alert, event: str, to: Iterable[tuple[str, str]], due_at: Combinable) -> None:
    rows = [
        Notice(alert=alert, event=event, channel=channel, address=address, due_at=due_at) for channel, address in to
    ]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)


# --- Sending ----------------------------------------------------------------------------------------


def send(seconds: float = SEND_SECONDS) -> int:
    """Send what is due, for at most about `seconds`; returns how many notices arrived.

    One channel's failure is no other's: mail goes out while the webhook is down, and the other way round.
    """
    deadline, down, arrived = monotonic() + seconds, set[str](), 0
    for notice in Notice.objects.due().select_related("alert"):
        if monotonic() >= deadline:
            break
        if notice.channel in down or not _claim(notice):
            continue
        try:
            SENDERS[notice.channel](notice)
        except Undelivered as failure:
            _put_off(notice, str(failure))
            if failure.channel_down:
                down.add(notice.channel)
        else:
            Notice.objects.filter(pk=notice.pk).update(sent_at=clock.db_now(), error="")
            logger.info("notice %d (%s, %s) was sent", notice.pk, notice.channel, notice.event)
            arrived += 1
    return arrived


def _claim(notice: Notice) -> bool:
    """Take `notice` for LEASE; False when another process was faster."""
    mine = Notice.objects.filter(pk=notice.pk, tries=notice.tries, sent_at=None)
    return bool(mine.update(tries=F("tries") + 1, due_at=clock.db_now(LEASE)))


def _put_off(notice: Notice, why: str) -> None:
    """Try again later, the longer the more often it failed; give up after TRIES."""
    tries = notice.tries + 1
    wait = min(FIRST_RETRY * 2 ** (tries - 1), LONGEST_RETRY)
    change = {"error": why[:MAX_ERROR], "given_up": tries >= TRIES, "due_at": clock.db_now(wait)}
    Notice.objects.filter(pk=notice.pk).update(**change)
    logger.warning("notice %d (%s) was not delivered, try %d: %s", notice.pk, notice.channel, tries, why)


def _words(notice: Notice) -> wording.Words:
    opened = notice.event == Notice.Event.OPENED
    return wording.words(notice.alert) if opened else wording.recovery(notice.alert)


def mail(notice: Notice) -> None:
    """Mail one notice. Its Message-ID stays the same when it is sent again, so that mail programs show one."""
    words, host = _words(notice), urlsplit(settings.BASE_URL).hostname
    headers = {"Message-ID": f"<tidemark-notice-{notice.pk}@{host}>", "Auto-Submitted": "auto-generated"}
    body = render_to_string(
        "scraping/alert_email.txt", {"words": words, "mutes": f"{settings.BASE_URL}{reverse('scraping:alerts')}"}
    )
    message = EmailMessage(f"Tidemark: {words.title}", body, None, [notice.address], headers=headers)
    try:
        message.send()
    except (OSError, ValueError) as error:  # SMTPException is an OSError; an address no mail has is a ValueError
        one = isinstance(error, SMTPRecipientsRefused | SMTPDataError | ValueError)
        raise Undelivered(f"{type(error).__name__}: {error}", channel_down=not one) from error


def webhook(notice: Notice) -> None:
    """Post one notice as JSON, signed: HMAC-SHA256 of `<timestamp>.<body>` with ALERT_WEBHOOK_SECRET."""
    body = json.dumps(payload(notice), ensure_ascii=False).encode()
    timestamp = str(int(clock.now().timestamp()))
    signature = hmac.new(settings.ALERT_WEBHOOK_SECRET.encode(), f"{timestamp}.".encode() + body, sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-Tidemark-Delivery": str(notice.pk),
        "X-Tidemark-Timestamp": timestamp,
        "X-Tidemark-Signature": f"sha256={signature}",
    }
    try:
        status = async_to_sync(_post)(Request(settings.ALERT_WEBHOOK_URL, "POST", headers, body=body))
    except CallFailed as failed:
        raise Undelivered(str(failed)) from failed
    if not 200 <= status < 300:
        raise Undelivered(f"it answered with HTTP {status}")


async def _post(request: Request) -> int:
    async with Fetcher(concurrency=1, deadline=WEBHOOK_SECONDS) as fetcher:
        return (await fetcher.fetch(request, hosts={(urlsplit(request.url).hostname or "").lower()})).status


def payload(notice: Notice) -> dict[str, object]:
    """What the webhook is told; `id` is the same whenever a notice is sent again."""
    alert, words = notice.alert, _words(notice)
    return {
        "id": notice.pk,
        "event": notice.event,
        "alert": alert.pk,
        "kind": alert.kind,
        "key": alert.key,
        "platform": alert.platform,
        "opened_at": alert.opened_at.isoformat(),
        "closed_at": alert.closed_at.isoformat() if alert.closed_at else None,
        "title": words.title,
        "happened": words.happened,
        "kept": words.kept,
        "todo": words.todo,
        "link": words.link,
        "detail": alert.detail,
    }


SENDERS: dict[str, Callable[[Notice], None]] = {Notice.Channel.MAIL: mail, Notice.Channel.WEBHOOK: webhook}
