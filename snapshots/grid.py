"""The grid: one row of figures per account and day, filtered, sorted and paged by the server."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Self

import orjson
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet, Sum
from ninja import Field
from pydantic import BeforeValidator, field_validator, model_validator

from perf.pagination import page_number, page_size, paginate
from snapshots.filters import FigureFilters, chosen
from snapshots.models import CHANGES, LatestSnapshot, Snapshot

PER_PAGE, MAX_PER_PAGE = 50, 1_000

METRICS = {
    "followers": "followers",
    "engagement": "engagements",
    "posts": "posts",
    "likes": "likes",
    "comments": "comments",
    "shares": "shares",
}
COLUMNS = {
    "platform": "account__platform",
    "handle": "account__handle",
    "org": "account__organization__name",
    "date": "date",
    **METRICS,
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
}
WORDS = {"platform": "account__platform", "handle": "account__handle_key", "org": "account__organization__name"}
LATEST_ONLY = {name: name for name in CHANGES}


class GridFilters(FigureFilters):
    """What part of the grid is wanted, in which order and shape."""

    day: str = Field("all", description="“all”, “latest” (each account's newest) or a day as YYYY-MM-DD.")
    sort: str = Field(
        "", description="A column, “-” before it for descending. Other than by date only within a single day."
    )
    fields: str = Field(
        "",
        description=f"Columns instead of the usual ten: {', '.join([*COLUMNS, *ON_REQUEST])}; changes with day=latest.",
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
        latest = LATEST_ONLY if self.day == "latest" else {}
        chosen(self.fields, COLUMNS | ON_REQUEST | latest)
        name = self.sort.removeprefix("-")
        sortable = {"date": "date", **WORDS, **METRICS, **LATEST_ONLY}
        if name and name not in sortable:
            raise ValueError(f"sorting is by one of {', '.join(sortable)}, not by {name[:40]!r}")
        if self.day == "all" and name not in ("", "date"):
            raise ValueError(f"sorting by {name} needs a single day: say day=latest or day=YYYY-MM-DD")
        if name in LATEST_ONLY and not latest:
            raise ValueError(f"sorting by {name} needs day=latest")
        return self

    @property
    def columns(self) -> dict[str, str]:
        """The wanted columns, and where each is found."""
        known = COLUMNS | ON_REQUEST | LATEST_ONLY
        return {name: known[name] for name in chosen(self.fields, known)} or COLUMNS

    @property
    def order(self) -> list[str]:
        """What to order by; it ends in something unique, and an index serves the usual ones."""
        name, sign = self.sort.removeprefix("-"), "-" if self.sort.startswith("-") else ""
        if not name:
            return ["-date", "-account_id"]
        path = ({"date": "date"} | WORDS | METRICS | LATEST_ONLY)[name]
        return [f"{sign}{path}", f"{sign}account_id"]

    def rows(self, user: AbstractBaseUser | AnonymousUser) -> QuerySet[Any, Any]:
        """The published rows that `user` may see and the filters let through; snapshot to account is one join."""
        if self.day == "latest":
            return self.narrow(LatestSnapshot.objects.visible_to(user).known())
        rows = Snapshot.objects.visible_to(user).published()
        return self.narrow(rows if self.day == "all" else rows.filter(date=self.day))

    def total(self) -> int | None:
        """How many rows there are, where counters know; None: to be counted."""
        if self.day not in ("all", "latest"):
            return None
        known = self.narrow(LatestSnapshot.objects.known())
        return known.count() if self.day == "latest" else known.aggregate(n=Sum("days", default=0))["n"]


def grid_page(filters: GridFilters, user: AbstractBaseUser | AnonymousUser) -> bytes:
    """One page of the grid as JSON: {"columns", "data": rows as arrays, "total", "page", "per_page", "pages", …}."""
    columns = filters.columns
    page = paginate(
        filters.rows(user).values_list(*columns.values()),
        order=filters.order,
        page=filters.page,
        per_page=filters.per_page,
        after=filters.after,
        total=filters.total(),
    )
    return orjson.dumps({"columns": list(columns), **page.envelope()})
