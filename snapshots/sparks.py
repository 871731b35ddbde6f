"""Small lines of followers, for the rows of lists: the last days of each account."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from snapshots.models import Snapshot

DAYS = 30


def sparks_of(ids: Collection[int], until: date) -> dict[int, list[int | None]]:
    """Published followers of the accounts `ids` on each of the DAYS days to `until`, oldest first; None is a gap."""
    first = until - timedelta(days=DAYS - 1)
    found: dict[int, list[int | None]] = {account: [None] * DAYS for account in ids}
    rows = Snapshot.objects.published().filter(account__among=found, date__range=(first, until))
    for account, day, followers in rows.values_list("account_id", "date", "followers"):
        found[account][(day - first).days] = followers
    return found
