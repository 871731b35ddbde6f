"""Present figures of all accounts, from the cache as ready bytes."""

from __future__ import annotations

import datetime as dt

from django.http import HttpRequest
from ninja import Query, Router, Schema

from perf.access import requires
from perf.answers import CONDITIONAL, Page
from perf.cache import cached_view
from snapshots.cache import SUMMARY
from snapshots.summary import SummaryFilters, summary_list

router = Router(tags=["figures"])


class SummaryRow(Schema):
    """An account's latest published figures; null where the platform did not say."""

    platform: str
    handle: str
    org_name: str
    followers: int | None
    engagement: int | None
    posts: int | None
    date: dt.date
    observed_at: dt.datetime
    source: str
    rounded: bool
    change_1: int | None
    change_7: int | None
    change_30: int | None
    change_90: int | None


class SummaryGroup(Schema):
    """Sums over the accounts that match, with or without figures.

    Of them `counted` say how many followers (`rounded` of them a rounded number); `covered` have a figure of `newest`,
    the newest day, `today` one of today, `fresh` one of today or yesterday, `late` an older one, `none` none yet. A
    change sums over the `compared_…` accounts that were seen at both ends, who had `base_…` followers at the first.
    """

    platform: str = ""
    org_name: str = ""
    accounts: int
    counted: int
    newest: dt.date
    covered: int
    today: int
    fresh: int
    late: int
    none: int
    rounded: int
    followers: int | None
    engagement: int | None
    posts: int | None
    oldest: dt.datetime | None
    observed_at: dt.datetime | None
    change_1: int | None
    base_1: int | None
    compared_1: int
    change_7: int | None
    base_7: int | None
    compared_7: int
    change_30: int | None
    base_30: int | None
    compared_30: int
    change_90: int | None
    base_90: int | None
    compared_90: int


class SummaryPage(Page):
    """A page of the summary."""

    data: list[SummaryRow]


@router.get(
    "/summary",
    response=list[SummaryRow] | list[SummaryGroup] | SummaryPage,
    summary="The latest published figures of every account",
    url_name="summary",
    openapi_extra=CONDITIONAL,
)
@requires("snapshots.view_snapshot")
@cached_view(SUMMARY, root="summary:latest")
def summary(request: HttpRequest, filters: Query[SummaryFilters]) -> bytes:
    """One object per active account, most followers first; a complete list unless `page` is given."""
    return summary_list(filters, request.user)
