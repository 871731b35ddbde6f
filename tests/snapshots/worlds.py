"""Accounts with figures that several tests start from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from accounts.models import Account
from perf import clock
from snapshots.recording import Sighting, record
from tests import factories

TODAY = clock.today()
Committed = Callable[[Callable[[], Any]], Any]


def days_ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


def a_history(handle: str = "cdcgov", days: int = 3, *, first: int = 1_000, **fields: Any) -> Account:
    """An account with a figure on each of the last `days` days, ten more followers each day."""
    account = factories.account(handle=handle, **fields)
    record(
        Sighting(account.pk, days_ago(ago), clock.now(), "observed", first - 10 * ago, posts=5, likes=3, comments=2)
        for ago in reversed(range(days))
    )
    return account
