"""Notices of alerts, by mail and webhook, out of an outbox (perf.outbox)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db.models.expressions import Combinable
from django.template.loader import render_to_string
from django.urls import reverse

from perf import clock, outbox
from scraping import wording
from scraping.models import Alert, AlertMute, Notice
from scraping.outward import post

PERMISSION = "scraping.request_scrape"  # who may do something about an alert is told of it
BACKEND = "django.contrib.auth.backends.ModelBackend"
SEND_SECONDS = 20.0  # of one round: the queue has other work

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
    """Send what is due, for at most about `seconds`; returns how many notices arrived."""
    return outbox.send(Notice.objects.due().select_related("alert"), SENDERS, seconds)


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
    outbox.deliver_mail(EmailMessage(f"Tidemark: {words.title}", body, None, [notice.address], headers=headers))


def webhook(notice: Notice) -> None:
    """Post one notice as JSON, signed with ALERT_WEBHOOK_SECRET."""
    body = json.dumps(payload(notice), ensure_ascii=False).encode()
    headers = outbox.signed(body, secret=settings.ALERT_WEBHOOK_SECRET, delivery=notice.pk)
    status, _ = post(settings.ALERT_WEBHOOK_URL, headers, body)
    if not 200 <= status < 300:
        raise outbox.Undelivered(f"it answered with HTTP {status}")


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
