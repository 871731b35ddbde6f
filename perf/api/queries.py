"""Findings, slow and repeated queries, and indexes as JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema

from perf.access import requires
from perf.findings import findings, indexes
from perf.findings.queries import Seen, repeated, shapes, slow
from perf.reading import together, window

router = Router()

Period = Literal["1h", "24h", "7d", "30d", "1y"]


class FindingOut(Schema):
    """One thing to mend; `place` is "file:line", `weight` the seconds of the period that it cost, where known."""

    kind: str
    sentence: str
    place: str
    weight: float
    subject: str
    url: str


class FindingsOut(Schema):
    """Findings, the costliest first."""

    data: list[FindingOut]


class SlowOut(Schema):
    """A slow query at one place: seconds of its slow runs. `sql` has ? for each value: none is ever kept."""

    query: str
    sql: str
    route: str
    place: str
    count: int
    total_seconds: float
    p50_seconds: float | None
    p95_seconds: float | None
    max_seconds: float
    at_once: int
    suggestion: str
    worst_at: datetime | None


class RepeatedOut(Schema):
    """A query that one line runs again and again: runs per request, and their seconds in all."""

    query: str
    sql: str
    route: str
    place: str
    requests: int
    times_p50: float | None
    times_max: float
    total_seconds: float
    advice: str


class QueriesOut(Schema):
    """Both lists, the most time first."""

    slow: list[SlowOut]
    repeated: list[RepeatedOut]


class IndexFindingOut(Schema):
    """An index to drop (unused, doubled) or to make (missing)."""

    kind: str
    table: str
    index: str
    columns: list[str]
    bytes: int | None
    sentence: str
    place: str


class IndexesOut(Schema):
    """`since` when the database began to count, `silent` why it does not."""

    since: datetime | None
    silent: str
    data: list[IndexFindingOut]


@router.get("/performance/findings", response=FindingsOut, summary="What to mend, the costliest first")
@requires("perf.view_performance")
def performance_findings(request: HttpRequest, period: Period = "24h") -> dict[str, Any]:
    """The findings of a period."""
    return {"data": [asdict(one) for one in findings(window(period))]}


@router.get("/performance/queries", response=QueriesOut, summary="Slow and repeated queries, without their values")
@requires("perf.view_performance")
@together()
def performance_queries(request: HttpRequest, period: Period = "24h") -> dict[str, Any]:
    """The queries of a period."""
    over = window(period)
    again = [
        {
            "query": one.query.pk,
            "sql": one.query.shape,
            "route": one.route,
            "place": one.place,
            "requests": one.times.count,
            "times_p50": one.times.p50,
            "times_max": one.times.most,
            "total_seconds": one.seconds,
            "advice": one.advice,
        }
        for one in repeated(over)
    ]
    return {"slow": [_slow_row(one) for one in slow(over)], "repeated": again}


def _slow_row(one: Seen) -> dict[str, Any]:
    return {
        "query": one.query.pk,
        "sql": one.query.shape,
        "route": one.route,
        "place": one.place,
        "count": one.runs.count,
        "total_seconds": one.runs.total,
        "p50_seconds": one.runs.p50,
        "p95_seconds": one.runs.p95,
        "max_seconds": one.runs.most,
        "at_once": one.crowd,
        "suggestion": one.missing,
        "worst_at": one.at.slowest_at,
    }


@router.get("/performance/indexes", response=IndexesOut, summary="Indexes to drop and to make")
@requires("perf.view_performance")
def performance_indexes(request: HttpRequest) -> dict[str, Any]:
    """From the database's own statistics and the slow queries of the last seven days."""
    found = indexes.report(shapes(slow(window("7d"))))
    return {"since": found.since, "silent": found.silent, "data": [asdict(one) for one in found.found]}
