"""What an export holds: the grid's filters, columns and order, and a span of days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Self

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet
from ninja import Field
from pydantic import model_validator

from accounts.models import Account
from accounts.tags import TagNames
from perf import clock
from snapshots.filters import extent_of
from snapshots.grid import GridFilters
from snapshots.listing_columns import FIELDS, SORTED_BY, with_figures

PAGING = {"page", "per_page", "after"}
"""What an address of the grid may carry along; a file has no pages."""


class ExportFilters(GridFilters):
    """Which accounts, days and columns the file holds, and in which order.

    The query string of a page of the grid means the same rows here, all of them: page, per_page and after are ignored.
    """

    since: dt.date | None = Field(None, alias="from", description="The first day.")
    until: dt.date | None = Field(None, alias="to", description="The last day.")
    every: bool = Field(
        False, description="Also accounts without a figure of the single day, their cells empty; needs `fields`."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.since > self.until:
            raise ValueError("“from” is after “to”")
        if self.every and (self.day == "all" or self.since or self.until):
            raise ValueError("every account has a row of a single day: say day=latest or day=YYYY-MM-DD")
        if self.every and not (self.fields and self.columns.keys() <= FIELDS.keys()):
            raise ValueError(f"with every account, say which fields: {', '.join(FIELDS)}")
        return self

    @property
    def order(self) -> list[str]:
        """What to order by, ending in something unique."""
        if not self.every:
            return super().order
        sign = "" if self.sort and not self.sort.startswith("-") else "-"
        return [f"{sign}{SORTED_BY[self.sort.removeprefix('-') or 'followers']}", f"{sign}pk"]

    def placed(self, usual: Mapping[str, str]) -> Mapping[str, str]:
        """The columns of the file, and where its rows have them; the `usual` ones unless others are wanted."""
        if self.every:
            return {name: FIELDS[name] for name in self.columns}
        return self.columns if self.fields else usual

    def figures(self, user: AbstractBaseUser | AnonymousUser) -> QuerySet[Any, Any]:
        """The published rows that `user` may see and the filters let through; with `every`, accounts beside them."""
        if self.every:
            accounts = self.accounts(Account.objects.visible_to(user)).annotate(tag_names=TagNames("pk"))
            return with_figures(accounts, self.day)  # type: ignore[no-any-return]  # annotated rows have no name
        rows = self.rows(user, extent_of(self) if self.narrowed else None)
        if self.since:
            rows = rows.filter(date__gte=self.since)
        return rows.filter(date__lte=self.until) if self.until else rows

    def most(self) -> int:
        """How many rows there are at most, from the latest rows alone; exact without a span of days."""
        if self.every:
            return self.accounts(Account.objects.all()).count()
        extent = extent_of(self)
        if self.day != "all":
            return extent.accounts
        if self.since is None:
            return extent.rows
        days = ((self.until or clock.today()) - self.since).days + 1
        return min(extent.rows, extent.accounts * max(days, 0))

    def are_more_than(self, limit: int, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whether there are more than `limit` rows; never counts further than that."""
        return self.most() > limit and self.figures(user)[: limit + 1].count() > limit

    def given(self) -> dict[str, Any]:
        """What was asked for, by the names of a query string and ready for JSON; `of` takes it back."""
        names = set(ExportFilters.model_fields) - PAGING
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=names)

    @classmethod
    def of(cls, given: dict[str, Any]) -> Self:
        """What was asked for then: “fresh” is still as of that day."""
        filters = cls.model_validate(given)
        if "today" in given:
            filters._today = dt.date.fromisoformat(given["today"])
        return filters
