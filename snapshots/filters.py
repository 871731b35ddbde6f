"""Which accounts' figures an answer holds: the registry's filters, how fresh the figures are, and of which days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple, Self, TypeVar

import orjson
from django.db.models import Count, Func, Max, OuterRef, QuerySet, Subquery, Sum, Value
from ninja import Field, Schema
from pydantic import PrivateAttr, model_serializer, model_validator

from accounts.filters import AccountFilters
from accounts.models import Account, AccountQuerySet
from perf import clock
from perf.cache import cached, key
from snapshots.cache import GRID
from snapshots.models import LatestSnapshot, PlatformAccounts, PlatformTotal

Rows = TypeVar("Rows", bound=QuerySet[Any, Any])
Freshness = Literal["", "fresh", "late", "none"]

ONE_DAY = timedelta(days=1)
FEW = 1_000  # accounts that a statement may name one by one
OWN = {"platform": "platform", "active": "is_active"}
"""What a latest row knows of its account without asking it."""


class Extent(NamedTuple):
    """What there is of the accounts that a filter means, over all days; `ids` only where they are few."""

    rows: int
    accounts: int
    newest: date | None
    ids: list[int] | None


class DayFilters(Schema):
    """Which days are wanted; all of them where nothing is said."""

    since: date | None = Field(None, alias="from", description="The first day.")
    until: date | None = Field(None, alias="to", description="The last day.")
    days: int | None = Field(None, ge=1, le=36_500, description="Only so many days up to today.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.since > self.until:
            raise ValueError(f"from {self.since} is after to {self.until}")
        return self

    def pinned(self) -> Self:
        """The same with `days` said as a first day, so that no cached answer outlives the day it was made on."""
        if not self.days:
            return self
        first = clock.today() - timedelta(days=self.days - 1)
        return self.model_copy(update={"since": max(first, self.since or first), "days": None})

    def on(self, field: str) -> dict[str, date]:
        """The wanted days, pinned, as conditions on the date `field`."""
        return ({f"{field}__gte": self.since} if self.since else {}) | (
            {f"{field}__lte": self.until} if self.until else {}
        )


class FigureFilters(AccountFilters):
    """Which accounts' figures; what is left out or empty filters nothing."""

    freshness: Freshness = Field(
        "",
        description="Accounts by their newest figure: “fresh” (of today or yesterday), “late” (older) or “none” yet.",
    )
    _today: date = PrivateAttr(default_factory=clock.today)

    @model_serializer(mode="wrap")
    def _with_the_day(self, dump: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """What an answer is kept under: “fresh” means something else tomorrow."""
        return dump(self) | ({"today": self._today.isoformat()} if self.freshness else {})

    @property
    def narrowed(self) -> bool:
        """Whether anything is filtered at all."""
        return bool(self.wanted or self.freshness)

    @property
    def counted(self) -> QuerySet[PlatformTotal] | None:
        """The totals that count the figures meant, day by day; None where they cannot tell these from others."""
        wanted = self.wanted
        return None if self.freshness or wanted.keys() - {"platform"} else PlatformTotal.objects.filter(**wanted)

    def accounts(self, rows: AccountQuerySet) -> AccountQuerySet:
        """Those of `rows` that are meant."""
        return self._as_fresh(super().accounts(rows), "latest__date")

    def narrow(self, rows: Rows, extent: Extent | None = None) -> Rows:
        """Those of `rows` (latest rows or snapshots) whose account is meant; `extent` spares a second search."""
        if extent and extent.ids is not None:
            return rows.filter(account__among=extent.ids)
        wanted, newest = self.wanted, "account__latest__date"
        if rows.model is LatestSnapshot:
            newest = "date"
            rows = rows.filter(**{OWN[name]: wanted.pop(name) for name in OWN.keys() & wanted.keys()})
        if wanted:
            rows = rows.filter(account__in=Account.objects.matching(**wanted).values("pk"))
        return self._as_fresh(rows, newest)

    def walk(self, rows: Rows, extent: Extent | None) -> Rows:
        """Those of `rows`, snapshots read in the order of an index, whose account is meant.

        Few accounts are named: the planner then knows how rare their rows are. Of many the first are soon met if each
        row is asked in turn; a join would let the planner gather all their rows and sort them.
        """
        if extent and extent.ids is not None:
            return rows.filter(account__among=extent.ids)
        meant = self.accounts(Account.objects.filter(pk=OuterRef("account_id"))).values(meant=Value(True))
        return rows.filter(Subquery(meant)) if self.narrowed else rows

    @property
    def parameters(self) -> dict[str, Any]:
        """These filters alone as a cache key's parameters, whatever else the answer is asked for."""
        return self.model_dump(mode="json", include=set(FigureFilters.model_fields), exclude_defaults=True)

    def _as_fresh(self, rows: Rows, newest: str) -> Rows:
        """Those of `rows` whose account's newest day, found at `newest`, is as fresh as asked."""
        yesterday = self._today - ONE_DAY
        conditions: dict[str, dict[str, date | None]] = {
            "fresh": {f"{newest}__gte": yesterday},
            "late": {f"{newest}__lt": yesterday},
            "none": {newest: None},
        }
        return rows.filter(**conditions.get(self.freshness, {}))


def extent_of(filters: FigureFilters) -> Extent:
    """How many published rows and accounts `filters` mean, and the newest day; from the cache until one changes."""
    found = cached(GRID, key("grid:extent", **filters.parameters), lambda: _extent_of(filters))
    return Extent(**orjson.loads(found.value))


def _extent_of(filters: FigureFilters) -> bytes:
    whole = _of_totals(filters)
    if whole and (whole.accounts > FEW or not filters.narrowed):
        return orjson.dumps(whole._asdict())
    latest = filters.narrow(LatestSnapshot.objects.known())
    few = list(latest.values_list("pk", "days", "date")[: FEW + 1])
    if len(few) > FEW:
        found = latest.aggregate(rows=Sum("days", default=0), accounts=Count("pk"), newest=Max("date"))
        return orjson.dumps({**found, "ids": None})
    ids, days, dates = zip(*few, strict=True) if few else ((), (), ())
    newest = max(dates, default=None)
    return orjson.dumps({"rows": sum(days), "accounts": len(ids), "newest": newest, "ids": ids})


def _of_totals(filters: FigureFilters) -> Extent | None:
    """The extent as the totals know it: they grow with the days, the latest rows with the accounts."""
    if (counted := filters.counted) is None:
        return None
    accounts = PlatformAccounts.objects.filter(**filters.wanted).values(sum=Func("accounts", function="SUM"))
    found = counted.aggregate(
        rows=Sum("figures", default=0), newest=Max("date"), accounts=Max(Subquery(accounts), default=0)
    )
    return Extent(**found, ids=None)
