"""The coverage report as a file: how many accounts had a figure, by day and platform, or who had none and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Literal, Self

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, Sum
from ninja import Field
from pydantic import model_validator

from accounts.filters import YesNo
from accounts.models import Account
from snapshots.coverage import ORDER, explained, missing
from snapshots.exports.reading import Chunk, chunks
from snapshots.filters import FigureFilters
from snapshots.models import DailyTotal
from snapshots.summary import Days

DAYS_USUAL, DAYS_MAX = 30, 400
BY_DAY = ["date", "platform", "expected", "observed", "missing", "coverage"]
ABSENT = {
    "platform": "platform",
    "handle": "handle",
    "organization": "organization__name",
    "core": "is_core",
    "last_date": "latest__date",
}
WHY = ["reason", "why", "until"]


class ReportFilters(FigureFilters):
    """Which accounts and days. `expected` are the accounts that are active now, as everywhere in the product."""

    part: Literal["days", "missing"] = Field(
        "days",
        description="“days”: a row per day and platform; “missing”: the accounts without a figure on the last day.",
    )
    active: YesNo = Field(True, description="Only active accounts (the usual) or only inactive ones; empty: both.")
    since: dt.date | None = Field(None, alias="from", description=f"The first day; {DAYS_USUAL} days unless told.")
    until: dt.date | None = Field(None, alias="to", description="The last day; the newest with a figure unless told.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        others = self.freshness or not self.active or self.wanted.keys() - {"platform", "organization", "active"}
        if self.part == "days" and others:
            raise ValueError("by day, coverage is of active accounts by platform and organisation; or say part=missing")
        if self.since and self.until and not 0 <= (self.until - self.since).days < DAYS_MAX:
            raise ValueError(f"“from” to “to” is one day at least and {DAYS_MAX} at most")
        return self

    def span(self) -> tuple[dt.date, dt.date]:
        """The first and the last day."""
        last = self.until or Days.now().newest
        first = self.since or _before(last, DAYS_USUAL - 1)
        return max(first, _before(last, DAYS_MAX - 1)), last


def _before(day: dt.date, days: int) -> dt.date:
    """The day `days` before `day`, or the first that there is."""
    return dt.date.fromordinal(max(day.toordinal() - days, 1))


def report(filters: ReportFilters, user: AbstractBaseUser | AnonymousUser) -> tuple[list[str], Iterator[Chunk]]:
    """The names of the columns, and the rows."""
    if filters.part == "days":
        return BY_DAY, iter([Chunk(list(_by_day(filters, user)))])
    return [*ABSENT, *WHY], _absent(filters, user)


def _by_day(filters: ReportFilters, user: AbstractBaseUser | AnonymousUser) -> Iterator[tuple[Any, ...]]:
    """A row per day, newest first, and platform; those who say how many followers they have count as observed."""
    accounts = filters.accounts(Account.objects.visible_to(user)).order_by("platform")
    expected = list(accounts.values_list("platform").annotate(Count("pk")))
    first, last = filters.span()
    totals = DailyTotal.objects.filter(date__range=(first, last))
    if filters.organization:
        totals = totals.filter(organization__name=filters.organization)
    counted = totals.values_list("date", "platform").annotate(Sum("accounts"))
    observed = {(day, platform): count for day, platform, count in counted}
    for ago in range((last - first).days + 1):
        day = last - dt.timedelta(days=ago)
        for platform, count in expected:
            seen = min(observed.get((day, platform), 0), count)
            yield day, platform, count, seen, count - seen, round(100 * seen / count, 1)


def _absent(filters: ReportFilters, user: AbstractBaseUser | AnonymousUser) -> Iterator[Chunk]:
    """The accounts without a published figure on the last day, each with why."""
    last = filters.span()[1]
    accounts = missing(filters.accounts(Account.objects.visible_to(user)), last)
    for chunk in chunks(accounts, list(ORDER), {**ABSENT, "id": "pk"}):
        why = explained([row[-1] for row in chunk.rows], last)
        yield Chunk([(*row, why[pk].reason, why[pk].why, why[pk].until) for *row, pk in chunk.rows])
