"""The present state: each account's latest published figures, and their sums by platform, organisation or in all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Annotated, Any, Literal, Self

import orjson
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum
from ninja import Field
from pydantic import BeforeValidator, model_serializer

from accounts.filters import YesNo
from accounts.models import Account
from perf import clock
from perf.pagination import page_number, page_size, paginate
from snapshots.filters import FigureFilters
from snapshots.models import CHANGES, LatestSnapshot

PER_PAGE, MAX_PER_PAGE = 100, 1_000
ROWS_AT_ONCE = 2_000
NAMES = {
    "handle": "account__handle",
    "org_name": "account__organization__name",
    "engagement": "engagements",
    "rounded": "followers_rounded",
}
OWN = ("platform", "followers", "posts", "date", "observed_at", "source", *CHANGES)
GROUPS = {"platform": ("platform", "platform"), "organization": ("org_name", "organization__name")}
"""By what sums are made: the name it has in the answer, and where an account has it."""
OVERDUE_DAYS = 1  # an account last seen before yesterday is late


@dataclass(frozen=True, slots=True)
class Days:
    """What sums go by: today, and the newest day that an active account has a figure of (today when none has)."""

    today: date
    newest: date

    @classmethod
    def now(cls) -> Self:
        """Those of this moment."""
        today = clock.today()
        newest = LatestSnapshot.objects.filter(is_active=True).aggregate(newest=Max("date"))["newest"]
        return cls(today, newest or today)

    @property
    def fresh_since(self) -> date:
        """The first day whose figures are not late."""
        return self.today - timedelta(days=OVERDUE_DAYS)

    @property
    def end_since(self) -> date:
        """From when on an account's newest figure stands for the end of a period."""
        return self.newest - timedelta(days=OVERDUE_DAYS)


class SummaryFilters(FigureFilters):
    """Which accounts, and how they are put together."""

    active: YesNo = Field(True, description="Only active accounts (the usual) or only inactive ones; empty: both.")
    group: Literal["", "platform", "organization", "total"] = Field("", description="Sums instead of accounts.")
    page: Annotated[int | None, BeforeValidator(page_number)] = Field(
        None, description="Without it the list is complete; with it a page in the usual envelope."
    )
    per_page: Annotated[int, BeforeValidator(lambda raw: page_size(raw, PER_PAGE, MAX_PER_PAGE))] = PER_PAGE
    after: str = Field("", max_length=500, description="The cursor that an answer gave as “next”.")

    @model_serializer(mode="wrap")
    def _with_the_day(self, dump: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """What an answer is kept under: sums count who is fresh, and that is somebody else tomorrow."""
        return dump(self) | ({"today": self._today.isoformat()} if self.freshness or self.group else {})

    def rows(self, user: AbstractBaseUser | AnonymousUser) -> QuerySet[Any, Any]:
        """The latest rows that `user` may see and the filters let through."""
        return self.narrow(LatestSnapshot.objects.visible_to(user).known())


def summary_list(filters: SummaryFilters, user: AbstractBaseUser | AnonymousUser) -> bytes:
    """The summary as JSON: a list of objects, or a page of them."""
    if filters.group:
        accounts = filters.accounts(Account.objects.visible_to(user))
        return orjson.dumps(group_sums(accounts, filters.group, Days.now()))
    rows = filters.rows(user)
    if filters.page is None:
        return b"".join(_complete(rows.order_by(F("followers").desc(nulls_last=True), "-account_id")))
    objects = rows.values(*OWN, **{name: F(path) for name, path in NAMES.items()})
    order = ["-followers", "-account_id"]
    page = paginate(objects, order=order, page=filters.page, per_page=filters.per_page, after=filters.after)
    return orjson.dumps(page.envelope())


def _complete(rows: QuerySet[Any, Any]) -> Iterator[bytes]:
    """All `rows` as one JSON list, some at a time, so that a hundred thousand take little memory."""
    names = (*OWN, *NAMES)
    found = iter(rows.values_list(*OWN, *NAMES.values()).iterator(chunk_size=ROWS_AT_ONCE))
    comma = b"["
    while chunk := list(islice(found, ROWS_AT_ONCE)):
        yield comma + orjson.dumps([dict(zip(names, row, strict=True)) for row in chunk])[1:-1]
        comma = b","
    yield b"]" if comma == b"," else b"[]"


def group_sums(accounts: QuerySet[Account, Any], group: str, days: Days) -> list[dict[str, Any]]:
    """Present figures of `accounts` per platform, organisation or in all ("total"), most followers first.

    `accounts` counts them all: `counted` of them say how many followers, `covered` have a figure of the `newest` day,
    `today` one of today, `fresh` one of today or yesterday, `late` an older one, `none` has none. Each change is
    summed over the `compared_…` accounts that were seen at both ends, who had `base_…` followers at the first. A sum
    of nothing known is None.
    """
    found: Any = accounts.order_by()
    if group == "total":
        return [_told(found.aggregate(**_sums(days)), days)]
    name, path = GROUPS[group]
    made = [_told(row, days) for row in found.values(**{f"{name}_of": F(path)}).annotate(**_sums(days))]
    return sorted(made, key=lambda row: (row["followers"] is None, -(row["followers"] or 0), row[name]))


def _sums(days: Days) -> dict[str, Any]:
    """What is added up over accounts. The names' ending keeps them apart from those of fields."""
    at_the_end = Q(latest__date__gte=days.end_since)
    sums: dict[str, Any] = {
        "accounts": Count("pk"),
        "counted": Count("latest__followers"),
        "covered": Count("pk", filter=Q(latest__date=days.newest)),
        "today": Count("pk", filter=Q(latest__date=days.today)),
        "fresh": Count("pk", filter=Q(latest__date__gte=days.fresh_since)),
        "none": Count("pk", filter=Q(latest__date=None)),
        "rounded": Count("pk", filter=Q(latest__followers_rounded=True)),
        "followers": Sum("latest__followers"),
        "engagement": Sum("latest__engagements"),
        "posts": Sum("latest__posts"),
        "oldest": Min("latest__observed_at"),
        "observed_at": Max("latest__observed_at"),
    }
    for name, back in CHANGES.items():
        column = f"latest__{name}"
        sums[name] = Sum(column, filter=at_the_end)
        sums[f"base_{back}"] = Sum(F("latest__followers") - F(column), filter=at_the_end)
        sums[f"compared_{back}"] = Count(column, filter=at_the_end)
    return {f"{name}_of": made for name, made in sums.items()}


def _told(row: dict[str, Any], days: Days) -> dict[str, Any]:
    """A row of sums under the names of the answer."""
    told = {name.removesuffix("_of"): value for name, value in row.items()}
    return told | {"newest": days.newest, "late": told["accounts"] - told["fresh"] - told["none"]}
