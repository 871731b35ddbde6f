"""The last row of the list: sums over everything that its filters let through, exact, from the cache."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
from django.db.models import Count, Q, Sum

from perf.cache import cached, key
from perf.templatetags.figures import full
from snapshots.cache import GRID
from snapshots.filters import extent_of
from snapshots.grid import PLACES
from snapshots.listing import Filters
from snapshots.listing_columns import LATEST, SUMMED, Column
from snapshots.models import CHANGES, LatestSnapshot, Snapshot


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of one column; None where no account says. `counted` accounts are in it, `rounded` of them rounded."""

    value: int | None
    counted: int
    rounded: int = 0

    @property
    def why(self) -> str:
        """What the sum holds, or why there is none."""
        if self.value is None:
            return "No account has this figure"
        return f"Of {full(self.counted)} account{'' if self.counted == 1 else 's'} that have it"


def totals(filters: Filters) -> dict[str, Total]:
    """The sums of all columns that can be added up, over the accounts that `filters` mean, on their day."""
    name = key("grid:totals", day=filters.day, **filters.figures.parameters)
    found = orjson.loads(cached(GRID, name, lambda: _totals(filters)).value)
    return {column: Total(*values) for column, values in found.items()}


def of_columns(filters: Filters, columns: list[Column]) -> list[tuple[Column, Total | None]]:
    """The cells of the totals row, beneath those `columns` that can be added up."""
    found = totals(filters)
    return [(column, found.get(column.name)) for column in columns]


def _totals(filters: Filters) -> bytes:
    names = [name for name in SUMMED if filters.day == LATEST or name not in CHANGES]
    asked: dict[str, Any] = {f"{name}_sum": Sum(PLACES[name]) for name in names}
    asked |= {f"{name}_count": Count(PLACES[name]) for name in names}
    asked["rounded"] = Count("pk", filter=Q(followers_rounded=True, followers__isnull=False))
    found = _figures(filters).aggregate(**asked)
    made = {name: [_whole(found[f"{name}_sum"]), found[f"{name}_count"]] for name in names}
    made["followers"].append(found["rounded"])
    return orjson.dumps(made)


def _figures(filters: Filters) -> Any:
    """The published figures of the day of all accounts that are meant."""
    meant = filters.figures
    if filters.day == LATEST:
        return meant.narrow(LatestSnapshot.objects.known())
    rows = Snapshot.objects.published().filter(date=date.fromisoformat(filters.day))
    return meant.narrow(rows, extent_of(meant) if meant.narrowed else None)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
