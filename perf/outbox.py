"""Delivery out of an outbox: a row per message and address, sent once, tried again with back-off.

Rows go by the database's clock: an hour's error of one machine neither doubles nor delays a message.
A row is claimed before it is sent and marked after: a crash between doubles at most that one message, and loses none.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from hashlib import sha256
from smtplib import SMTPDataError, SMTPRecipientsRefused
from time import monotonic
from typing import Any, Self, TypeVar

from django.core.mail import EmailMessage
from django.db import models
from django.db.models import F

from perf import clock

TRIES = 10  # over about six hours
FIRST_RETRY = timedelta(minutes=1)  # doubled with each try
LONGEST_RETRY = timedelta(hours=1)
LEASE = timedelta(minutes=2)  # after which a message whose sender died is sent again
MAX_ERROR = 300  # characters kept of why a message was not delivered

logger = logging.getLogger(__name__)

Message = TypeVar("Message", bound=models.Model)


class Undelivered(Exception):
    """A message did not arrive; `channel_down` tells whether others of its channel would not either.

    With `for_good` it never will, and is not tried again.
    """

    def __init__(self, why: str, *, channel_down: bool = True, for_good: bool = False) -> None:
        super().__init__(why)
        self.channel_down, self.for_good = channel_down, for_good


class OutboxQuerySet(models.QuerySet[Message]):
    """Messages, by what is to be done with them."""

    def pending(self) -> Self:
        """Those to be sent now, the longest waiting first."""
        ready = self.filter(sent_at=None, given_up=False, due_at__lte=clock.db_now())
        return ready.order_by("due_at", "id")


class Outgoing(models.Model):
    """One message to one address. The row is the promise and, sent, the record; a model adds `channel`."""

    due_at = models.DateTimeField(help_text="Not sent before.")
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up = models.BooleanField(default=False)
    error = models.CharField(max_length=MAX_ERROR, blank=True, help_text="Why the last try failed.")

    class Meta:
        abstract = True


def send(due: Iterable[Any], senders: Mapping[str, Callable[[Any], None]], seconds: float) -> int:
    """Send the messages of `due`, for at most about `seconds`; how many arrived. A sender raises Undelivered.

    One channel's failure is no other's: mail goes out while a webhook is down, and the other way round.
    """
    deadline, down, arrived = monotonic() + seconds, set[str](), 0
    for message in due:
        if monotonic() >= deadline:
            break
        if message.channel in down or not claim(message):
            continue
        try:
            senders[message.channel](message)
        except Undelivered as failure:
            _put_off(message, failure)
            if failure.channel_down:
                down.add(message.channel)
        else:
            _rows(message).update(sent_at=clock.db_now(), error="")
            logger.info("message %s was sent", _name(message))
            arrived += 1
    return arrived


def claim(message: Any) -> bool:
    """Take `message` for LEASE; False when another process was faster."""
    mine = _rows(message).filter(tries=message.tries, sent_at=None)
    return bool(mine.update(tries=F("tries") + 1, due_at=clock.db_now(LEASE)))


def deliver_mail(mail: EmailMessage) -> None:
    """Send `mail`; Undelivered when it was not."""
    try:
        mail.send()
    except (OSError, ValueError) as error:  # SMTPException is an OSError; an address no mail has is a ValueError
        one = isinstance(error, SMTPRecipientsRefused | SMTPDataError | ValueError)
        raise Undelivered(f"{type(error).__name__}: {error}", channel_down=not one) from error


def signed(body: bytes, *, secret: str, delivery: int) -> dict[str, str]:
    """Headers for posting the JSON `body`, signed: HMAC-SHA256 of `<timestamp>.<body>` with `secret`."""
    timestamp = str(int(clock.now().timestamp()))
    signature = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Tidemark-Delivery": str(delivery),
        "X-Tidemark-Timestamp": timestamp,
        "X-Tidemark-Signature": f"sha256={signature}",
    }


def _put_off(message: Any, failure: Undelivered) -> None:
    """Try again later, the longer the more often it failed; give up after TRIES."""
    tries = message.tries + 1
    wait = min(FIRST_RETRY * 2 ** (tries - 1), LONGEST_RETRY)
    given_up = failure.for_good or tries >= TRIES
    change = {"error": str(failure)[:MAX_ERROR], "given_up": given_up, "due_at": clock.db_now(wait)}
    _rows(message).update(**change)
    logger.warning("message %s was not delivered, try %d: %s", _name(message), tries, failure)


def _rows(message: Any) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = type(message)._default_manager.filter(pk=message.pk)
    return rows


def _name(message: Any) -> str:
    return f"{message._meta.label_lower} {message.pk} ({message.channel})"
