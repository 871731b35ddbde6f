"""The present state: each account's latest published figures, or their sums by platform, organisation or in all."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, F, Max, Min, QuerySet, Sum
from ninja import Field
from pydantic import BeforeValidator

from perf.pagination import page_number, page_size, paginate
from snapshots.filters import FigureFilters
from snapshots.models import CHANGES, LatestSnapshot

PER_PAGE, MAX_PER_PAGE = 100, 1_000
NAMES = {
    "handle": "account__handle",
    "org_name": "account__organization__name",
    "engagement": "engagements",
    "rounded": "followers_rounded",
}
OWN = ("platform", "followers", "posts", "date", "observed_at", "source", *CHANGES)
GROUPS = {"platform": ("platform", "platform"), "organization": ("org_name", "organization__name")}
"""By what sums are made: the name it has in the answer, and where it is found."""
SUMS = {
    **{f"{name}_sum": Sum(name) for name in ("followers", "posts", *CHANGES)},
    "engagement_sum": Sum("engagements"),
    "accounts_sum": Count("pk"),
    "counted_sum": Count("followers"),
    "oldest_sum": Min("observed_at"),
    "observed_at_sum": Max("observed_at"),
}


class SummaryFilters(FigureFilters):
    """Which accounts, and how they are put together."""

    active: bool | None = Field(True, description="Only active accounts (the usual), or only inactive ones.")
    group: Literal["", "platform", "organization", "total"] = Field("", description="Sums instead of accounts.")
    page: Annotated[int | None, BeforeValidator(page_number)] = Field(
        None, description="Without it the list is complete; with it a page in the usual envelope."
    )
    per_page: Annotated[int, BeforeValidator(lambda raw: page_size(raw, PER_PAGE, MAX_PER_PAGE))] = PER_PAGE
    after: str = Field("", max_length=500, description="The cursor that an answer gave as “next”.")

    def rows(self, user: AbstractBaseUser | AnonymousUser) -> QuerySet[Any, Any]:
        """The latest rows that `user` may see and the filters let through."""
        return self.narrow(LatestSnapshot.objects.visible_to(user).known())


def summary_list(filters: SummaryFilters, user: AbstractBaseUser | AnonymousUser) -> bytes:
    """The summary as JSON: a list of objects, or a page of them."""
    rows = filters.rows(user)
    if filters.group:
        return orjson.dumps(group_sums(rows, filters.group))
    objects = rows.values(*OWN, **{name: F(path) for name, path in NAMES.items()})
    order = ["-followers", "-account_id"]
    if filters.page is None:
        return orjson.dumps(list(objects.order_by(F("followers").desc(nulls_last=True), "-account_id")))
    page = paginate(objects, order=order, page=filters.page, per_page=filters.per_page, after=filters.after)
    return orjson.dumps(page.envelope())


def group_sums(rows: QuerySet[Any, Any], group: str) -> list[dict[str, Any]]:
    """Sums of latest `rows` per platform, organisation or in all, most followers first.

    Each change sums over the accounts seen at both ends; `counted` says how many of `accounts` gave followers;
    `oldest` and `observed_at` say how old the figures are at most and at least. A sum of nothing known is None.
    """
    if group == "total":
        return [_named(rows.aggregate(**SUMS))]
    name, path = GROUPS[group]
    made = [_named(row) for row in rows.order_by().values(**{f"{name}_sum": F(path)}).annotate(**SUMS)]
    return sorted(made, key=lambda row: (-(row["followers"] or -1), row[name]))


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """`row` without the ending that keeps its names apart from the fields'."""
    return {name.removesuffix("_sum"): value for name, value in row.items()}
