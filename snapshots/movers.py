"""Who gained and who lost most over a period: in followers, and in per cent of what they had."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from heapq import nlargest, nsmallest
from typing import Any

from django.db.models import F, FloatField
from django.db.models.functions import Cast

from accounts.models import Account
from perf.unions import rows_of_each
from snapshots.models import CHANGES, LatestSnapshot, Snapshot
from snapshots.periods import Period
from snapshots.summary import OVERDUE_DAYS

SHOWN = 5
FLOOR = 1_000
"""Followers that an account had at the start to be ranked by per cent: 3 that became 6 are no news."""

Found = Sequence[tuple[int, ...]]
"""Account ids with what each gained and what it had before."""


@dataclass(frozen=True, slots=True)
class Mover:
    """An account, what it gained over a period (less than 0: lost), and the `base` it had at its start."""

    account: Account
    gain: int
    base: int


@dataclass(frozen=True, slots=True)
class Movers:
    """Those who moved most over a period, the furthest first; `grew` and `shrank` go by per cent."""

    gained: list[Mover]
    lost: list[Mover]
    grew: list[Mover]
    shrank: list[Mover]

    @property
    def any(self) -> bool:
        """Whether anybody moved at all."""
        return bool(self.gained or self.lost)


def movers(period: Period) -> Movers:
    """The accounts that moved most, over those with a figure on both days.

    The changes that latest rows carry are sorted by the database; over other days all accounts are compared here.
    """
    column = {back: name for name, back in CHANGES.items()}.get(period.choice or 0)
    found = _known(column, period) if column else _compared(period)
    accounts = Account.objects.in_bulk({pk for rows in found for pk, *_ in rows})
    gained, lost, grew, shrank = (
        [Mover(accounts[pk], *more) for pk, *more in rows if pk in accounts] for rows in found
    )
    return Movers(gained, lost, grew, shrank)


def _known(column: str, period: Period) -> Sequence[Found]:
    """The furthest by a change of latest rows, each against so many days before its own latest figure."""
    seen = period.end - timedelta(days=OVERDUE_DAYS)
    rows = LatestSnapshot.objects.filter(is_active=True, date__gte=seen).annotate(gain=F(column))
    rows = rows.annotate(base=F("followers") - F(column))
    rates = rows.filter(base__gte=FLOOR).annotate(rate=Cast("gain", FloatField()) / F("base"))
    orders = [
        rows.filter(gain__gt=0).order_by("-gain", "account_id"),
        rows.filter(gain__lt=0).order_by("gain", "account_id"),
        rates.filter(gain__gt=0).order_by("-rate", "account_id"),
        rates.filter(gain__lt=0).order_by("rate", "account_id"),
    ]
    return rows_of_each(*(order.values_list("account_id", "gain", "base")[:SHOWN] for order in orders))


def _compared(period: Period) -> Sequence[Found]:
    """The furthest between any two days."""
    counted = Snapshot.objects.published().filter(followers__isnull=False).order_by()
    before: dict[int, Any] = dict(counted.filter(date=period.start).values_list("account_id", "followers"))
    for (inactive,) in Account.objects.filter(is_active=False).values_list("pk"):  # few: a join would ask for each
        before.pop(inactive, None)
    after: Iterable[tuple[int, Any]] = counted.filter(date=period.end).values_list("account_id", "followers")
    rows: list[tuple[int, int, int]] = [(pk, n - before[pk], before[pk]) for pk, n in after if pk in before]
    large = [row for row in rows if row[2] >= FLOOR]
    return [
        _ahead(nlargest(SHOWN, rows, key=lambda row: (row[1], -row[0])), 1),
        _ahead(nsmallest(SHOWN, rows, key=lambda row: (row[1], row[0])), -1),
        _ahead(nlargest(SHOWN, large, key=lambda row: (row[1] / row[2], -row[0])), 1),
        _ahead(nsmallest(SHOWN, large, key=lambda row: (row[1] / row[2], row[0])), -1),
    ]


def _ahead(rows: Iterable[tuple[int, int, int]], sign: int) -> Found:
    """Those of `rows` that moved in the direction of `sign`."""
    return [row for row in rows if sign * row[1] > 0]
