"""The grid: one row of figures per account and day, filtered, sorted and paged by the server."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Self

import orjson
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet, Sum
from ninja import Field
from pydantic import BeforeValidator, field_validator, model_validator

from accounts.filters import chosen
from accounts.tags import TagNames
from perf.pagination import page_number, page_size, paginate
from snapshots.filters import Extent, FigureFilters, extent_of
from snapshots.models import CHANGES, LatestSnapshot, Snapshot

PER_PAGE, MAX_PER_PAGE = 50, 1_000

COLUMNS = {
    "platform": "account__platform",
    "handle": "account__handle",
    "org": "account__organization__name",
    "date": "date",
    "followers": "followers",
    "engagement": "engagements",
    "posts": "posts",
    "likes": "likes",
    "comments": "comments",
    "shares": "shares",
}
"""What a row holds unless `fields` says otherwise, and where it is found."""
ON_REQUEST = {
    "display_name": "account__display_name",
    "following": "following",
    "listed": "listed",
    "videos": "videos",
    "stories": "stories",
    "live_streams": "live_streams",
    "video_views": "video_views",
    "total_video_views": "total_video_views",
    "observed_at": "observed_at",
    "source": "source",
    "rounded": "followers_rounded",
    "core": "account__is_core",
    "active": "account__is_active",
    "tags": "tag_names",
}
LATEST_ONLY = {name: name for name in CHANGES}
PLACES = COLUMNS | ON_REQUEST | LATEST_ONLY
SORTED_BY = {name: path for name, path in PLACES.items() if name != "tags"} | {"handle": "account__handle_key"}
"""Every column but the tags can be sorted by; a handle without regard to case."""


class GridFilters(FigureFilters):
    """What part of the grid is wanted, in which order and shape."""

    day: str = Field("all", description="“all”, “latest” (each account's newest) or a day as YYYY-MM-DD.")
    sort: str = Field(
        "", description="Any column, “-” before it for descending. Other than by date only within a single day."
    )
    fields: str = Field(
        "",
        description=f"Columns instead of the usual ten: {', '.join(PLACES)}; the changes with day=latest.",
    )
    page: Annotated[int, BeforeValidator(page_number)] = 1
    per_page: Annotated[int, BeforeValidator(lambda raw: page_size(raw, PER_PAGE, MAX_PER_PAGE))] = PER_PAGE
    after: str = Field("", max_length=500, description="The cursor that an answer gave as “next”.")

    @field_validator("day")
    @classmethod
    def _a_day(cls, raw: str) -> str:
        if raw in ("all", "latest"):
            return raw
        try:
            return date.fromisoformat(raw).isoformat()
        except ValueError:
            raise ValueError("say “all”, “latest” or a day as YYYY-MM-DD") from None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        known = PLACES if self.day == "latest" else COLUMNS | ON_REQUEST
        chosen(self.fields, known)
        name = self.sort.removeprefix("-")
        if name and name not in SORTED_BY:
            raise ValueError(f"sorting is by one of {', '.join(SORTED_BY)}, not by {name[:40]!r}")
        if self.day == "all" and name not in ("", "date"):
            raise ValueError(f"sorting by {name} needs a single day: say day=latest or day=YYYY-MM-DD")
        if name and name not in known:
            raise ValueError(f"sorting by {name} needs day=latest")
        return self

    @property
    def columns(self) -> dict[str, str]:
        """The wanted columns, and where each is found."""
        return {name: PLACES[name] for name in chosen(self.fields, PLACES)} or COLUMNS

    @property
    def order(self) -> list[str]:
        """What to order by; it ends in something unique, and an index serves the usual ones."""
        name, sign = self.sort.removeprefix("-"), "-" if self.sort.startswith("-") else ""
        return [f"{sign}{SORTED_BY[name]}", f"{sign}account_id"] if name else ["-date", "-account_id"]

    def rows(self, user: AbstractBaseUser | AnonymousUser, extent: Extent | None) -> QuerySet[Any, Any]:
        """The published rows that `user` may see and the filters let through; snapshot to account is one join.

        `extent` is what extent_of gives for these filters; None where they let every account through.
        """
        if self.day == "latest":
            return self._tagged(self.narrow(LatestSnapshot.objects.visible_to(user).known(), extent))
        rows = self._tagged(Snapshot.objects.visible_to(user).published())
        if self.day != "all":
            return self.walk(rows.filter(date=self.day), extent)
        if extent is None or not self.narrowed:
            return rows
        return self.walk(rows.filter(date__lte=extent.newest), extent) if extent.newest else rows.none()

    def _tagged(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        return rows.annotate(tag_names=TagNames("account_id")) if "tags" in self.columns else rows

    def total(self, extent: Extent | None) -> int | None:
        """How many rows there are, where totals or latest rows know; None: to be counted."""
        if self.day in ("all", "latest"):
            return {"all": extent.rows, "latest": extent.accounts}[self.day] if extent else None
        if self.counted is None:
            return None
        rows: int = self.counted.filter(date=self.day).aggregate(rows=Sum("figures", default=0))["rows"]
        return rows

    def days(self) -> list[tuple[date, int]]:
        """The days of rows sorted by day, in their order, with how many rows each has; empty where no totals know."""
        if self.counted is None or self.day == "latest" or self.sort not in ("", "date", "-date"):
            return []
        days = self.counted if self.day == "all" else self.counted.filter(date=self.day)
        return list(days.values_list("date").annotate(Sum("figures")).order_by(self.order[0]))


def grid_page(filters: GridFilters, user: AbstractBaseUser | AnonymousUser) -> bytes:
    """One page of the grid as JSON: {"columns", "data": rows as arrays, "total", "page", "per_page", "pages", …}."""
    columns = filters.columns
    extent = extent_of(filters) if filters.narrowed or filters.day in ("all", "latest") else None
    page = paginate(
        filters.rows(user, extent),
        order=filters.order,
        columns=list(columns.values()),
        page=filters.page,
        per_page=filters.per_page,
        after=filters.after,
        total=filters.total(extent),
        groups=filters.days,
    )
    return orjson.dumps({"columns": list(columns), **page.envelope()})
