"""Coverage of a day: who has a figure, who has none, and why."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from perf.access import requires
from perf.answers import Page
from snapshots.coverage import CoverageFilters, coverage

router = Router(tags=["figures"])


class MissingRow(Schema):
    """An account without a figure of the day; `last_date` is null where it never had one."""

    platform: str
    handle: str
    org_name: str
    is_core: bool
    last_date: dt.date | None
    last_observed_at: dt.datetime | None
    reason: str
    why: str
    until: dt.datetime | None


class CoveragePage(Page):
    """How many of the matching accounts have a figure of the day; `data` is a page of those that have none."""

    day: dt.date
    accounts: int
    covered: int
    data: list[MissingRow]


@router.get(
    "/coverage",
    response=CoveragePage,
    exclude_unset=True,
    summary="Who has no figure of a day, and why",
    url_name="coverage",
)
@requires("snapshots.view_snapshot", "accounts.view_account")
def coverage_of_a_day(request: HttpRequest, filters: Query[CoverageFilters]) -> dict[str, Any]:
    """Of the newest day unless `day` is given, by platform and handle. Not cached: a reason changes with every try."""
    return coverage(filters, request.user)
