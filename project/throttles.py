"""How often passwords may be asked for and guessed at beside signing in: counted in the audit log, so without Redis."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest

from perf import clock
from perf.rates import STANDING, Rate, Standing, TooManyRequests
from project.models import AuditEntry

RESETS_ASKED = Rate("requests for a new password", 10, 900)
"""From one address, so that nobody floods mailboxes; no lock of anybody's sign-in."""

RESETS_MAILED = Rate("mails with a link for a new password", 3, 3600)
"""To one person, whoever asks; further requests are answered the same and mail nothing."""

OLD_PASSWORDS = Rate("wrong old passwords", 10, 900)
"""By one person who is signed in: a session left open is no way to find out the password."""

SIGN_INS_RECORDED = Rate("entries on failed sign-ins", 100, 900)
"""From one address. What is more is refused like any other and counted for locks, but the log is kept for good."""

SIGN_INS_UNTOLD = Rate("entries on what was not recorded", 1, 900)
"""From one address: that there were more than SIGN_INS_RECORDED."""

CODES_FROM_HERE = Rate("wrong codes", 10, 900)
"""For one person from one address, as for wrong passwords (AXES_FAILURE_LIMIT)."""

CODES_ANYWHERE = Rate("wrong codes", 100, 3600)
"""For one person from everywhere: of a million codes three are right, so who has the password and many addresses
needs months. Only who has the password gets as far as that."""


def wait(rate: Rate, *actions: str, **about: Any) -> int:
    """Seconds until `actions` are allowed again for whom `about` (fields of AuditEntry) describes; 0: they are now."""
    since = clock.now() - timedelta(seconds=rate.seconds)
    entries = AuditEntry.objects.filter(action__in=actions, created_at__gt=since, **about).order_by("-created_at")
    decisive = next(iter(entries.values_list("created_at", flat=True)[rate.limit - 1 : rate.limit]), None)
    return max(1, int((decisive - since).total_seconds())) if decisive else 0


def refuse_beyond(request: HttpRequest, rate: Rate, action: str, **about: Any) -> None:
    """Raise TooManyRequests, told in the answer's headers too, where `rate` of `action` is used up."""
    if left := wait(rate, action, **about):
        request.META[STANDING] = Standing(rate, rate.limit + 1, left)
        raise TooManyRequests(request.META[STANDING])
