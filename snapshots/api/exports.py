"""All published figures as files."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from ninja import Query, Router

from perf.access import requires
from perf.rates import rated
from snapshots.exports.filters import ExportFilters
from snapshots.exports.streams import stream

router = Router(tags=["figures"])


@router.get("/export.csv", summary="All published figures as CSV", url_name="export-csv")
@requires("snapshots.export_snapshots")
@rated("exports")
def export_csv(request: HttpRequest, filters: Query[ExportFilters]) -> HttpResponseBase:
    """One line per account and day, newest first, streamed. Texts that a spreadsheet would run are disarmed.

    The ten columns stay as they are; `/export.json` and `/export.ndjson` say too whether followers are rounded.
    """
    return stream("csv", filters, request.user)


@router.get("/export.json", summary="All published figures as one JSON object", url_name="export-json")
@requires("snapshots.export_snapshots")
@rated("exports")
def export_json(request: HttpRequest, filters: Query[ExportFilters]) -> HttpResponseBase:
    """{"export_date", "data": [objects], "total_records"}, streamed."""
    return stream("json", filters, request.user)


@router.get("/export.ndjson", summary="All published figures as JSON lines", url_name="export-ndjson")
@requires("snapshots.export_snapshots")
@rated("exports")
def export_ndjson(request: HttpRequest, filters: Query[ExportFilters]) -> HttpResponseBase:
    """One object per line, streamed."""
    return stream("ndjson", filters, request.user)
