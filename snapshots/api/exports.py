"""All published figures as files: streamed while they are small, written by a worker when they are large."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Query, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from perf.access import requires
from perf.answers import TEXT, Page, Refusal, sends_file, sends_file_from_anywhere
from perf.pagination import page_number, page_size, paginate
from perf.rates import rated
from snapshots.exports import asking, serving
from snapshots.exports.coverage import ReportFilters
from snapshots.exports.filters import ExportFilters
from snapshots.exports.jobs import ExportJob, State
from snapshots.exports.streams import stream, stream_coverage

router = Router(tags=["exports"])
PER_PAGE, MAX_PER_PAGE = 25, 100
GONE = "The file was kept for {hours} hours and is removed. Ask for the export again."
NOT_YET = "The file is not ready: {percent} % is written. Nothing is lost; ask again later."


class ExportIn(ExportFilters):
    """Which file: the filters of /export.csv, the format, and whether it is to be gzip-compressed."""

    format: Literal["csv", "json", "ndjson"] = "csv"
    compressed: bool = Field(False, description="As .gz; a tenth of the size.")


class Export(Schema):
    """An export and how far it is. `total` is how many rows there will be at most; unknown speed and time are null."""

    id: int
    format: str
    compressed: bool
    filters: dict[str, Any]
    state: Literal["waiting", "running", "done", "failed", "expired"]
    error: str
    rows: int
    total: int
    percent: int
    per_second: float | None
    eta_seconds: float | None
    size: int
    created_at: dt.datetime
    ended_at: dt.datetime | None
    expires_at: dt.datetime | None
    file: str | None


class Exports(Page):
    """A page of one's own exports, newest first."""

    data: list[Export]


class ExportsFilters(Schema):
    """Which page; junk means the default."""

    page: str = "1"
    per_page: str = ""
    after: str = ""


ANSWERS = {202: Export, 409: Refusal}


JSON_FILE = {
    "type": "object",
    "required": ["export_date", "data", "total_records"],
    "properties": {
        "export_date": {"type": "string", "format": "date-time"},
        "data": {"type": "array", "items": {"type": "object", "description": "A value by each column's name."}},
        "total_records": {"type": "integer"},
    },
}
CONTENTS: dict[str, dict[str, Any]] = {
    "csv": {"text/csv": TEXT},
    "json": {"application/json": JSON_FILE},
    "ndjson": {"application/x-ndjson": TEXT},
}
"""What a file of each format is."""

ANY_FILE = CONTENTS["csv"] | CONTENTS["json"] | CONTENTS["ndjson"]


@router.get(
    "/export.csv",
    summary="All published figures as CSV",
    url_name="export-csv",
    response=ANSWERS,
    openapi_extra=sends_file(CONTENTS["csv"]),
)
@requires("snapshots.export_snapshots")
@rated("exports")
def export_csv(request: HttpRequest, filters: Query[ExportFilters]) -> HttpResponseBase | Status:
    """One line per account and day, newest first, streamed. Texts that a spreadsheet would run are disarmed.

    The ten columns stay as they are unless `fields` names others. More than 100,000 rows are written by a worker:
    the answer is then 202 with the export to follow at /exports/<id>.
    """
    return _streamed_or_promised(request, "csv", filters)


@router.get(
    "/export.json",
    summary="All published figures as one JSON object",
    url_name="export-json",
    response=ANSWERS,
    openapi_extra=sends_file(CONTENTS["json"]),
)
@requires("snapshots.export_snapshots")
@rated("exports")
def export_json(request: HttpRequest, filters: Query[ExportFilters]) -> HttpResponseBase | Status:
    """{"export_date", "data": [objects], "total_records"}, streamed; 202 as for /export.csv."""
    return _streamed_or_promised(request, "json", filters)


@router.get(
    "/export.ndjson",
    summary="All published figures as JSON lines",
    url_name="export-ndjson",
    response=ANSWERS,
    openapi_extra=sends_file(CONTENTS["ndjson"]),
)
@requires("snapshots.export_snapshots")
@rated("exports")
def export_ndjson(request: HttpRequest, filters: Query[ExportFilters]) -> HttpResponseBase | Status:
    """One object per line, streamed; 202 as for /export.csv."""
    return _streamed_or_promised(request, "ndjson", filters)


@router.get(
    "/coverage.{kind}",
    summary="The coverage report as a file",
    url_name="coverage-file",
    openapi_extra=sends_file(ANY_FILE),
)
@requires("snapshots.export_snapshots", "accounts.view_account")
@rated("exports")
def coverage_file(
    request: HttpRequest, kind: Literal["csv", "json", "ndjson"], filters: Query[ReportFilters]
) -> HttpResponseBase:
    """By day and platform how many accounts were expected, observed and missing; or who is missing, and why."""
    return stream_coverage(kind, filters, request.user)


@router.get("/exports", response=Exports, exclude_unset=True, summary="One's own exports, newest first")
@requires("snapshots.export_snapshots")
def exports(request: HttpRequest, filters: Query[ExportsFilters]) -> dict[str, Any]:
    """Those that a worker writes; nobody sees another's."""
    page = paginate(
        ExportJob.objects.of(request.user),
        order=("-created_at", "-id"),
        page=page_number(filters.page),
        per_page=page_size(filters.per_page, PER_PAGE, MAX_PER_PAGE),
        after=filters.after,
    )
    return page.envelope([_export(request, job) for job in page.object_list])


@router.post("/exports", response=ANSWERS, summary="Have an export written by a worker")
@requires("snapshots.export_snapshots")
@rated("exports")
def start_export(request: HttpRequest, wanted: ExportIn) -> Status:
    """However small it is. The same export that is under way already is answered instead of a second one."""
    return _promised(request, wanted.format, wanted, compressed=wanted.compressed)


@router.get("/exports/{pk}", response=Export, summary="How far an export is")
@requires("snapshots.export_snapshots")
def export_progress(request: HttpRequest, pk: int) -> dict[str, Any]:
    """Rows written, speed and time left; `file` is where to fetch it once it is done."""
    return _export(request, _own(request, pk))


@router.delete("/exports/{pk}", response={204: None}, summary="Cancel an export, or delete its file")
@requires("snapshots.export_snapshots")
def delete_export(request: HttpRequest, pk: int) -> Status:
    """A worker that writes it stops within seconds; nothing of the file stays."""
    asking.take_back(_own(request, pk), request.user)
    return Status(204, None)


@router.api_operation(
    ["GET", "HEAD"],
    "/exports/{pk}/file",
    response={409: Refusal, 410: Refusal, 416: Refusal},
    summary="The file of an export",
    url_name="export-file",
    openapi_extra=sends_file_from_anywhere(ANY_FILE | {"application/gzip": TEXT}),
)
@requires("snapshots.export_snapshots")
def export_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Whole, or from any byte on: Range, If-Range and ETag as in RFC 9110, so that a broken download can go on."""
    job = _own(request, pk)
    gone = GONE.format(hours=settings.EXPORT_KEEP_HOURS)
    if job.state != State.DONE:
        is_gone, not_yet = job.state == State.EXPIRED, job.error or NOT_YET.format(percent=job.percent)
        raise HttpError(410 if is_gone else 409, gone if is_gone else not_yet)
    try:
        return serving.send(job, request.headers)
    except FileNotFoundError as error:
        raise HttpError(410, gone) from error


def _streamed_or_promised(request: HttpRequest, kind: str, filters: ExportFilters) -> HttpResponseBase | Status:
    """The file itself, or where it will be when it has more than EXPORT_STREAM_ROWS rows."""
    if filters.are_more_than(settings.EXPORT_STREAM_ROWS, request.user):
        return _promised(request, kind, filters)
    return stream(kind, filters, request.user)


def _promised(request: HttpRequest, kind: str, filters: ExportFilters, *, compressed: bool = False) -> Status:
    try:
        return Status(202, _export(request, asking.ask(kind, filters, request.user, compressed=compressed)))
    except asking.Refused as refused:
        raise HttpError(409, str(refused)) from refused


def _own(request: HttpRequest, pk: int) -> ExportJob:
    return get_object_or_404(ExportJob.objects.of(request.user), pk=pk)


def _export(request: HttpRequest, job: ExportJob) -> dict[str, Any]:
    names = ("compressed", "filters", "state", "error", "rows", "total", "percent", "per_second", "size")
    told = {name: getattr(job, name) for name in (*names, "created_at", "ended_at", "expires_at")}
    here = request.resolver_match.namespace if request.resolver_match else ""
    file = reverse(f"{here}:export-file", args=[job.pk]) if job.state == State.DONE else None
    return {"id": job.pk, "format": job.kind, **told, "eta_seconds": job.eta, "file": file}
