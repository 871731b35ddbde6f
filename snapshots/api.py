"""The figures as an API: summary, grid and one account's history, from the cache as ready bytes; doubted figures."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from django.http import HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from accounts.models import Account
from accounts.platforms import find_platform, handle_key
from perf.access import requires
from perf.cache import Family, cached_view, key
from perf.pagination import page_number, page_size, paginate
from perf.rates import rated
from snapshots import judging, suspects
from snapshots.cache import GRID, SUMMARY, history_of
from snapshots.exports import ExportFilters, export
from snapshots.grid import GridFilters, grid_page
from snapshots.history import HistoryFilters, history_of_account
from snapshots.models import Judgement, Snapshot
from snapshots.summary import SummaryFilters, summary_list

router = Router(tags=["figures"])
SUSPECTS_PER_PAGE, MAX_SUSPECTS_PER_PAGE = 50, 200
MAX_JUDGED = 1_000  # figures that one request may name


class Refusal(Schema):
    """Why there is no answer."""

    error: str


class Page(Schema):
    """The envelope of every page. `next` is the cursor for `after`; a total that is a lower bound says so."""

    total: int
    page: int
    per_page: int
    pages: int
    total_is_lower_bound: bool = False
    next: str = ""


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


class SummaryGroup(Schema):
    """Sums over accounts; each change over those seen at both ends."""

    platform: str = ""
    org_name: str = ""
    accounts: int
    counted: int
    followers: int | None
    engagement: int | None
    posts: int | None
    oldest: dt.datetime
    observed_at: dt.datetime
    change_1: int | None
    change_7: int | None
    change_30: int | None


class SummaryPage(Page):
    """A page of the summary."""

    data: list[SummaryRow]


class GridPage(Page):
    """A page of the grid: `data` holds a row per account and day, its values in the order of `columns`."""

    columns: list[str]
    data: list[list[Any]]


class History(Schema):
    """An account's days; a list per metric, null where a day has no figure."""

    platform: str
    handle: str
    dates: list[dt.date]
    followers: list[int | None] = []
    engagement: list[int | None] = []
    marks: dict[str, list[tuple[dt.date, dt.date]]]


class SuspectRow(Schema):
    """A doubted reading and the published figure it is compared with. `ticket` is what a decision names."""

    ticket: str
    platform: str
    handle: str
    date: dt.date
    before: int | None
    before_on: dt.date | None
    followers: int | None
    rounded: bool
    source: str
    observed_at: dt.datetime
    why: Literal["leap", "fall", "overtaken"]
    second_look_from: dt.datetime
    confirmable: bool


class SuspectPage(Page):
    """A page of doubted figures, newest day first."""

    data: list[SuspectRow]


class SuspectFilters(Schema):
    """Which doubted figures; junk in `page` or `per_page` means the default."""

    platform: str = ""
    day: dt.date | None = None
    page: str = "1"
    per_page: str = ""
    after: str = ""


class JudgeIn(Schema):
    """What to decide on which readings, by their tickets."""

    verdict: Literal["accept", "reject"]
    tickets: list[str] = Field(min_length=1, max_length=MAX_JUDGED)


class Judged(Schema):
    """What came of it: `judgement` takes it back; `conflicts` are rows that no longer waited as their tickets say."""

    judgement: int | None
    changed: int
    conflicts: list[int]


class Undone(Schema):
    """How many figures are again what they were, and how many had changed since and stayed."""

    restored: int
    kept: int


class Renamed(Exception):
    """The account asked for now has another handle."""

    def __init__(self, account: Account) -> None:
        super().__init__(f"{account.platform} {account.handle}")
        self.account = account


@router.get(
    "/summary",
    response={200: list[SummaryRow] | list[SummaryGroup] | SummaryPage, 400: Refusal},
    summary="The latest published figures of every account",
    url_name="summary",
)
@requires("snapshots.view_snapshot")
@cached_view(SUMMARY, root="summary:latest")
def summary(request: HttpRequest, filters: Query[SummaryFilters]) -> bytes:
    """One object per active account, most followers first; a complete list unless `page` is given."""
    return summary_list(filters, request.user)


@router.get(
    "/grid",
    response={200: GridPage, 400: Refusal},
    summary="One row per account and day, newest first",
    url_name="grid",
)
@requires("snapshots.view_snapshot")
@cached_view(GRID, root="grid:all")
def grid(request: HttpRequest, filters: Query[GridFilters]) -> bytes:
    """Rows are arrays, in the order of `columns`. Follow `next` as `after` (with the next `page`) to read on."""
    return grid_page(filters, request.user)


@router.get(
    "/history/{platform}/{handle}",
    response={200: History, 400: Refusal, 404: Refusal},
    summary="One account's figures day by day",
    url_name="history",
)
@requires("snapshots.view_snapshot")
def history(request: HttpRequest, platform: str, handle: str, filters: Query[HistoryFilters]) -> HttpResponseBase:
    """Whatever the handle's case. A former handle answers 301 to the present one."""
    try:
        return _history(request, filters.pinned(), platform=platform, handle=handle)
    except Renamed as renamed:
        here = request.resolver_match
        path = reverse(here.view_name if here else "history", args=[renamed.account.platform, renamed.account.handle])
        query = request.GET.urlencode()
        there = HttpResponsePermanentRedirect(f"{path}?{query}" if query else path)
        there["Cache-Control"] = "private, no-cache"  # the old handle may come back, or be another account's
        return there


@router.get("/suspects", response=SuspectPage, exclude_unset=True, summary="Figures that wait for a second look")
@requires("snapshots.view_snapshot")
def suspect_list(request: HttpRequest, filters: Query[SuspectFilters]) -> dict[str, Any]:
    """Stored and in no total until a second reading agrees or an editor accepts them."""
    chosen = suspects.Filters(filters.platform, filters.day)
    page = paginate(
        suspects.waiting(chosen.narrow(Snapshot.objects.visible_to(request.user))),
        order=suspects.ORDER,
        page=page_number(filters.page),
        per_page=page_size(filters.per_page, SUSPECTS_PER_PAGE, MAX_SUSPECTS_PER_PAGE),
        after=filters.after,
    )
    return page.envelope([_suspect(row) for row in suspects.explained(list(page.object_list))])


@router.post("/suspects/judge", response={200: Judged, 400: Refusal}, summary="Accept or reject doubted figures")
@requires("snapshots.view_snapshot", "snapshots.judge_snapshots")
def judge(request: HttpRequest, wanted: JudgeIn) -> dict[str, Any]:
    """What was judged or read again since its ticket was given stays as it is and is named among the conflicts."""
    tickets = [ticket for raw in wanted.tickets if (ticket := judging.Ticket.find(raw))]
    if len(tickets) < len(wanted.tickets):
        raise HttpError(400, "A ticket is not one that /api/suspects gave. Nothing was changed.")
    done = judging.judge_waiting(tickets, accept=wanted.verdict == "accept", by=request.user)
    judgement = done.judgement.pk if done.judgement else None
    return {"judgement": judgement, "changed": done.changed, "conflicts": list(done.conflicts)}


@router.post(
    "/judgements/{pk}/undo", response={200: Undone, 404: Refusal, 409: Refusal}, summary="Take one's decision back"
)
@requires("snapshots.view_snapshot", "snapshots.judge_snapshots")
def undo(request: HttpRequest, pk: int) -> dict[str, Any]:
    """Within 24 hours, and only one's own; what has changed since the decision stays."""
    try:
        restored, kept = judging.undo(get_object_or_404(Judgement.objects.of(request.user), pk=pk), request.user)
    except judging.UndoRefused as refused:
        raise HttpError(409, str(refused)) from refused
    return {"restored": restored, "kept": kept}


@router.get("/export.csv", summary="All published figures as CSV", url_name="export-csv")
@requires("snapshots.export_snapshots")
@rated("exports")
def export_csv(request: HttpRequest, filters: Query[ExportFilters]) -> HttpResponseBase:
    """One line per account and day, newest first, streamed. Texts that a spreadsheet would run are disarmed.

    The ten columns stay as they are; `/export.json` and `/export.ndjson` say too whether followers are rounded.
    """
    return export("csv", filters, request.user)


@router.get("/export.json", summary="All published figures as one JSON object", url_name="export-json")
@requires("snapshots.export_snapshots")
@rated("exports")
def export_json(request: HttpRequest, filters: Query[ExportFilters]) -> HttpResponseBase:
    """{"export_date", "data": [objects], "total_records"}, streamed."""
    return export("json", filters, request.user)


@router.get("/export.ndjson", summary="All published figures as JSON lines", url_name="export-ndjson")
@requires("snapshots.export_snapshots")
@rated("exports")
def export_ndjson(request: HttpRequest, filters: Query[ExportFilters]) -> HttpResponseBase:
    """One object per line, streamed."""
    return export("ndjson", filters, request.user)


def _suspect(suspect: suspects.Suspect) -> dict[str, Any]:
    """A doubted figure as the API shows it."""
    names = ("ticket", "before", "before_on", "followers", "rounded", "observed_at", "confirmable")
    account = suspect.row.account
    return {name: getattr(suspect, name) for name in names} | {
        "platform": account.platform,
        "handle": account.handle,
        "date": suspect.row.date,
        "source": suspect.source.lower(),
        "why": suspect.why.value,
        "second_look_from": suspect.second_look,
    }


def _address(platform: str, handle: str) -> tuple[str, str]:
    """Platform and handle in the one spelling under which they are stored and cached."""
    found = find_platform(platform)
    name = found.name if found else platform.casefold()
    return name, handle_key(name, handle)


def _family(request: HttpRequest, *, platform: str, handle: str) -> Family:
    return history_of(*_address(platform, handle))


def _root(request: HttpRequest, filters: HistoryFilters, *, platform: str, handle: str) -> str:
    return key("history", *_address(platform, handle))


@cached_view(_family, root=_root)
def _history(request: HttpRequest, filters: HistoryFilters, *, platform: str, handle: str) -> bytes:
    name, wanted = _address(platform, handle)
    account = Account.objects.visible_to(request.user).find_at(name, handle)
    if account is None:
        raise HttpError(404, f"No account “{handle[:100]}” on {name[:40]} is known here.")
    if account.handle_key != wanted:
        raise Renamed(account)
    return history_of_account(account, filters)
