"""Totals per day: how many followers the accounts counted on it have, and what they gained since each was last seen."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

from django.db import models

from accounts.models import Organization
from accounts.platforms import PLATFORM_CHOICES
from snapshots import statements
from snapshots.statements import TALLY

Cell = tuple[dt.date, str, int]
"""A day, a platform and an organisation: what one DailyTotal counts."""

Published = Mapping[tuple[int, dt.date], int | None]
"""The followers that each published (account, date) says."""


class Placed(Protocol):
    """What says under which totals an account's days are counted, if at all."""

    platform: str
    organization_id: int
    is_active: bool


class Counted(Placed, Protocol):
    """A held latest row, as far as counting its account's days needs it."""

    days: int
    date: dt.date | None
    followers: int | None


class Tallies:
    """Differences to the totals: by cell the five numbers of TALLY, and what there is of any account, active or not.

    `figures` are published figures by day and platform; `known` are accounts that have one, by platform.
    """

    def __init__(self) -> None:
        self.cells: defaultdict[Cell, list[int]] = defaultdict(lambda: [0] * len(TALLY))
        self.figures: Counter[tuple[dt.date, str]] = Counter()
        self.known: Counter[str] = Counter()

    def count(self, row: Placed, days: Collection[tuple[dt.date, int | None]], sign: int = 1) -> None:
        """Add an account's published `days`, each with its followers (taken away where `sign` is -1), under its cell.

        Of an active account's days that say how many followers, each is compared with the one before it.
        """
        for day, _ in days:
            self.figures[day, row.platform] += sign
        if not row.is_active:
            return
        before: int | None = None
        for day, followers in sorted((day, followers) for day, followers in days if followers is not None):
            tally = self.cells[day, row.platform, row.organization_id]
            tally[0] += sign * followers
            tally[1] += sign
            if before is not None:
                tally[2] += sign * (followers - before)
                tally[3] += sign * before
                tally[4] += sign
            before = followers

    def by_platform(self) -> dict[tuple[dt.date, str], list[int]]:
        """By day and platform: the five numbers, and how many figures."""
        sums = {cell: [0] * len(TALLY) for cell in self.figures}
        for (day, platform, _), tally in self.cells.items():
            sums[day, platform] = [one + other for one, other in zip(sums[day, platform], tally, strict=True)]
        return {cell: [*tally, self.figures[cell]] for cell, tally in sums.items()}


class Kept(NamedTuple):
    """How a table of totals is kept: what identifies a row, what is added up, and which sum of 0 means it may go."""

    key: tuple[str, ...]
    numbers: tuple[str, ...]
    left: str


class Total(models.Model):
    """What is counted of one day. `followers` over `accounts` accounts; `compared` of them were seen before.

    These had `base` followers when each was last seen before, however long ago, and have gained `gained` since: so a
    day that nobody could be asked on loses no gain, and an account that is new or gone is no gain and no loss.
    """

    date = models.DateField()
    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    followers = models.BigIntegerField(default=0, help_text="Sum over the accounts counted.")
    accounts = models.IntegerField(default=0, help_text="How many accounts the sum holds.")
    gained = models.BigIntegerField(default=0, help_text="Sum of the changes since each account was last seen.")
    base = models.BigIntegerField(default=0, help_text="Followers that the compared accounts had then.")
    compared = models.IntegerField(default=0, help_text="How many accounts had been seen before.")

    class Meta:
        abstract = True


class DailyTotalQuerySet(models.QuerySet["DailyTotal"]):
    """Totals per day, changed by differences so that writers of one total only wait for each other's commit."""

    def add(self, tallies: Tallies) -> None:
        """Add differences to all kinds of totals, in one order for all writers; a total of nothing disappears.

        The totals of platforms come first: who holds one keeps away all who would want its parts in another order.
        """
        _add(PlatformTotal, tallies.by_platform())
        _add(DailyTotal, tallies.cells)
        _add(PlatformAccounts, {(platform,): [accounts] for platform, accounts in tallies.known.items()})


class DailyTotal(Total):
    """The total of active accounts' published followers per day, platform and present organisation."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="daily_totals", db_index=False
    )

    kept: ClassVar = Kept(("date", "platform", "organization_id"), TALLY, "accounts")
    objects = DailyTotalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["date", "platform", "organization"], name="daily_total_uniq"),
        ]
        indexes = [models.Index(fields=["organization", "date"], name="ix_daily_total_organization")]

    def __str__(self) -> str:
        return f"{self.date} {self.platform}"


class PlatformTotal(Total):
    """The sum of a day's and platform's DailyTotals: a year of them is read where those of a week would be too many.

    `figures` also counts those of inactive accounts and those that do not say how many followers.
    """

    figures = models.IntegerField(default=0, help_text="How many published figures the day has, of any account.")

    kept: ClassVar = Kept(("date", "platform"), (*TALLY, "figures"), "figures")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["date", "platform"], name="platform_total_uniq")]

    def __str__(self) -> str:
        return f"{self.date} {self.platform}"


class PlatformAccounts(models.Model):
    """How many accounts of a platform, active or not, have a published figure."""

    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    accounts = models.IntegerField(default=0)

    kept: ClassVar = Kept(("platform",), ("accounts",), "accounts")

    class Meta:
        verbose_name_plural = "platform accounts"
        constraints = [models.UniqueConstraint(fields=["platform"], name="platform_accounts_uniq")]

    def __str__(self) -> str:
        return f"{self.platform} {self.accounts}"


def recount(
    rows: Mapping[int, Counted], before: Published, after: Published, unchanged: Published | None = None
) -> None:
    """Move totals, and the held `rows`' days, from what was published `before` a write to what is `after` it.

    Both hold either the accounts' whole histories, or all days that changed; then `unchanged` are those beside
    them, of `beside`. The rows' days are stored by LatestSnapshotQuerySet.refresh.
    """
    tallies = Tallies()
    gone, come, beside = by_account(before), by_account(after), by_account(unchanged or {})
    for account in gone.keys() | come.keys():
        row, had = rows[account], rows[account].days
        row.days += len(come.get(account, ())) - len(gone.get(account, ()))
        tallies.known[row.platform] += bool(row.days) - bool(had)
    for sign, published in ((-1, gone), (1, come)):
        for account in published.keys() | beside.keys():
            tallies.count(rows[account], [*beside.get(account, ()), *published.get(account, ())], sign)
    DailyTotal.objects.add(tallies)


def beside(rows: Mapping[int, Counted], before: Published, after: Published) -> Published:
    """The counted days of held `rows` on either side of, and between, those that a write changed.

    An account whose changed days all come after its latest one is known without asking.
    """
    changed: defaultdict[int, list[dt.date]] = defaultdict(list)
    for account, day in before.keys() | after.keys():
        changed[account].append(day)
    found: dict[tuple[int, dt.date], int | None] = {}
    asked: list[int] = []
    for account, days in changed.items():
        row = rows[account]
        if row.date is None:
            continue
        if row.followers is not None and min(days) > row.date:
            found[account, row.date] = row.followers
        else:
            asked.append(account)
    if asked:
        days = [day for account in asked for day in changed[account]]
        for account, day, followers in statements.beside(asked, min(days), max(days)):
            if day not in changed[account]:
                found[account, day] = followers
    return found


def by_account(published: Published) -> dict[int, list[tuple[dt.date, int | None]]]:
    """What is published, by account."""
    days: defaultdict[int, list[tuple[dt.date, int | None]]] = defaultdict(list)
    for (account, day), followers in published.items():
        days[account].append((day, followers))
    return days


def _add(model: type[DailyTotal | PlatformTotal | PlatformAccounts], tallies: Mapping[Any, list[int]]) -> None:
    key, numbers, left = model.kept
    cells = [cell for cell in sorted(tallies) if any(tallies[cell])]
    statements.add_totals(model._meta.db_table, key, numbers, [(*cell, *tallies[cell]) for cell in cells])
    at = numbers.index(left)
    if gone := {cell[0] for cell in cells if tallies[cell][at] < 0}:  # who counts fewer may count none
        model._default_manager.filter(**{f"{key[0]}__in": gone, left: 0}).delete()
