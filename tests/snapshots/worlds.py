"""Accounts with figures that several tests start from."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from html import unescape
from typing import Any

from accounts.models import Account
from perf import clock
from snapshots.models import Source
from snapshots.recording import Sighting, record
from tests import factories

TODAY = clock.today()
Committed = Callable[[Callable[[], Any]], Any]


def days_ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


def a_history(handle: str = "cdcgov", days: int = 3, *, ago: int = 0, first: int = 1_000, **fields: Any) -> Account:
    """An account with a figure on each of `days` days, ten more followers each day, the last of them so long `ago`."""
    account = factories.account(handle=handle, **fields)
    record(
        Sighting(account.pk, days_ago(ago + b), clock.now(), "observed", first - 10 * b, posts=5, likes=3, comments=2)
        for b in reversed(range(days))
    )
    return account


def see(
    account: Account, followers: int | None, *, ago: int = 0, source: Source = Source.OBSERVED, **figures: Any
) -> Account:
    """Store one figure of so many days `ago`, seen then."""
    at = clock.now() - dt.timedelta(days=ago)
    record([Sighting(account.pk, days_ago(ago), at, source, followers, **figures)], at=at)
    return account


def text_of(response: Any) -> str:
    """The page's words, tags removed."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))
