"""What the overview shows of one period: totals, changes seen at both ends, trends with gaps, accounts to look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Self

from django.db.models import Count, F, Q, QuerySet, Sum

from accounts.models import Account
from accounts.platforms import PLATFORMS, Platform
from perf import clock
from snapshots.models import DailyTotal, Snapshot
from snapshots.periods import Period
from snapshots.summary import OVERDUE_DAYS, Days, group_sums

ORGANIZATIONS_SHOWN = 10
COVERAGE = 0.98  # a day that counts fewer of the accounts than the days around it is a gap, not a dip
AROUND = 7  # days on either side that say how many accounts a full day counts


@dataclass(frozen=True, slots=True)
class Change:
    """How followers changed over a period, over the `compared` accounts that were seen at both ends."""

    change: int | None = None
    base: int | None = None
    compared: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """Present figures of a platform, an organisation, or all of them."""

    name: str
    accounts: int = 0
    covered: int = 0  # accounts with a published number of followers
    fresh: int = 0  # accounts with a figure of today
    followers: int | None = None
    observed_at: datetime | None = None
    changed: Change = Change()
    platform: Platform | None = None
    rounded: int = 0  # accounts whose number the platform rounded

    @classmethod
    def of(cls, name: str, sums: Mapping[str, Any], changed: Change = Change(), platform: str = "") -> Self:
        """A row of summary.group_sums."""
        counts = sums["accounts"], sums["counted"], sums["today"]
        present = sums["followers"], sums["observed_at"], changed
        return cls(name, *counts, *present, PLATFORMS.get(platform), sums["rounded"])


def compared(period: Period) -> Any:
    """Published snapshots of the first day whose active accounts were seen at the end too; annotates `gain`."""
    seen = period.end - timedelta(days=OVERDUE_DAYS)
    return (
        Snapshot.objects.published()
        .filter(date=period.start, followers__isnull=False)
        .filter(account__latest__is_active=True, account__latest__date__gte=seen)
        .filter(account__latest__followers__isnull=False)
        .annotate(gain=F("account__latest__followers") - F("followers"))
    )


def extreme(period: Period, *, lost: bool = False) -> Snapshot | None:
    """The account that gained (or lost) most over `period`, as its first day's row with `gain`; None if none did."""
    rows = compared(period).select_related("account")
    rows = rows.filter(gain__lt=0).order_by("gain", "pk") if lost else rows.filter(gain__gt=0).order_by("-gain", "pk")
    first: Snapshot | None = rows.first()
    return first


def platform_rows(period: Period) -> list[Row]:
    """One row per platform with active accounts, most followers first."""
    changes = {
        name: Change(change, base, count)
        for name, change, base, count in compared(period)
        .order_by()
        .values_list("account__latest__platform")
        .annotate(Sum("gain"), Sum("followers"), Count("pk"))
    }
    return [
        Row.of(PLATFORMS[sums["platform"]].label, sums, changes.get(sums["platform"], Change()), sums["platform"])
        for sums in group_sums(Account.objects.active(), "platform", Days(clock.today(), period.end))
    ]


def total_of(rows: Sequence[Row]) -> Row:
    """All `rows` as one; a sum of nothing known is None, never 0."""
    known = [row.followers for row in rows if row.followers is not None]
    changed = [row.changed for row in rows if row.changed.change is not None]
    return Row(
        "All",
        sum(row.accounts for row in rows),
        sum(row.covered for row in rows),
        sum(row.fresh for row in rows),
        sum(known) if known else None,
        max((row.observed_at for row in rows if row.observed_at), default=None),
        Change(
            sum(c.change or 0 for c in changed) if changed else None,
            sum(c.base or 0 for c in changed) if changed else None,
            sum(c.compared for c in changed),
        ),
        rounded=sum(row.rounded for row in rows),
    )


def organization_rows(period: Period) -> list[Row]:
    """The organisations with active accounts, most followers first."""
    found = group_sums(Account.objects.active(), "organization", Days(clock.today(), period.end))
    return [Row.of(sums["org_name"], sums) for sums in found]


def shown(rows: Sequence[Row]) -> list[Row]:
    """The first of `rows`, and one row for all others together where there are more."""
    others = total_of(rows[ORGANIZATIONS_SHOWN:])
    rest = [replace(others, name="Others", observed_at=None)] if others.accounts else []
    return [*rows[:ORGANIZATIONS_SHOWN], *rest]


def needing_a_look() -> QuerySet[Account]:
    """Active accounts without a figure since yesterday, longest unseen first; annotates `seen_at`."""
    overdue = clock.today() - timedelta(days=OVERDUE_DAYS)
    unseen = Q(latest=None) | Q(latest__date=None) | Q(latest__date__lt=overdue)
    rows = Account.objects.active().filter(unseen).annotate(seen_at=F("latest__observed_at"))
    return rows.order_by(F("latest__observed_at").asc(nulls_first=True), "pk")


def trend(period: Period) -> tuple[list[date], dict[str, list[int | None]]]:
    """All days of `period` and per platform the sum of followers on each; None where too few accounts were counted."""
    days = period.dates
    sums: dict[str, dict[date, tuple[int, int]]] = defaultdict(dict)
    totals = DailyTotal.objects.filter(date__range=(period.start - timedelta(days=AROUND), period.end)).order_by()
    rows = totals.values_list("platform", "date").annotate(Sum("followers"), Sum("accounts"))
    for platform, day, followers, accounts in rows:
        sums[platform][day] = followers, accounts
    return days, {platform: [_full(counted, day) for day in days] for platform, counted in sums.items()}


def _full(counted: Mapping[date, tuple[int, int]], day: date) -> int | None:
    """The day's sum, or None when it counts fewer accounts than the days before it and the days after it do.

    A roster that grows or shrinks for good makes no gap; the first days have nothing before them to fall short of.
    """
    if day not in counted:
        return None
    before = [counted[d][1] for i in range(1, AROUND + 1) if (d := day - timedelta(days=i)) in counted]
    after = [counted[d][1] for i in range(1, AROUND + 1) if (d := day + timedelta(days=i)) in counted]
    followers, accounts = counted[day]
    if not before:
        return followers
    expected = min(max(before), max(after)) if after else max(before)
    return followers if accounts >= COVERAGE * expected else None


def summed(values: Mapping[str, Sequence[int | None]]) -> list[int | None]:
    """All platforms' values of each day as one; None on a day that lacks a platform seen before and after it."""
    if not values:
        return []
    columns = zip(*values.values(), strict=True)
    return [None if None in column else sum(value or 0 for value in column) for column in columns]
