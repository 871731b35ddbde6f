"""Slow and repeated queries, one query with its plans, and the indexes."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from perf.access import requires
from perf.conf import setting
from perf.events import happened
from perf.findings import indexes as found_indexes
from perf.findings.catalogue import CATALOGUE
from perf.findings.explaining import CannotExplain, compared, explained
from perf.findings.queries import repeated, shapes, slow
from perf.models import KnownQuery, QueryPlace
from perf.periods import asked_period
from perf.reading import together, window


@require_safe
@requires("perf.view_performance")
@together()
def queries(request: HttpRequest) -> HttpResponse:
    """Slow queries by total time, and repeated ones, of a period."""
    period = asked_period(request)
    over = window(period)
    content = {"period": period, "slow": slow(over), "repeated": repeated(over), "threshold": _threshold()}
    return render(request, "perf/queries.html", content)


@require_safe
@requires("perf.view_performance")
def query(request: HttpRequest, digest: str) -> HttpResponse:
    """One query: its text without values, where it ran and at its worst, and its plans, each beside the one before."""
    found, places = _found(digest)
    plans = CATALOGUE.plans(found)
    older = [*plans[1:], None]
    content = {
        "query": found,
        "places": sorted(places, key=lambda one: (-one.slowest, one.route, one.place)),
        "plans": [(plan, compared(plan, before)) for plan, before in zip(plans, older, strict=True)] if plans else [],
        "runs": [one for one in slow(window("24h")) if one.query.pk == digest],
        "threshold": _threshold(),
    }
    return render(request, "perf/query.html", content)


@require_POST
@requires("perf.view_performance")
def explain(request: HttpRequest, digest: str) -> HttpResponse:
    """Ask the database for the query's plan and keep it; nothing of the query runs."""
    found, _ = _found(digest)
    try:
        CATALOGUE.keep_plan(explained(found))
    except CannotExplain as reason:
        messages.error(request, str(reason))
    else:
        happened(request.user, "perf.explain", digest)
    return redirect("perf:query", digest)


@require_safe
@requires("perf.view_performance")
def indexes(request: HttpRequest) -> HttpResponse:
    """Indexes to make and to drop."""
    return render(request, "perf/indexes.html", {"report": found_indexes.report(shapes(slow(window("7d"))))})


def _found(digest: str) -> tuple[KnownQuery, list[QueryPlace]]:
    known = CATALOGUE.found([digest]).get(digest) if digest.isalnum() else None  # PostgreSQL refuses to hear of a NUL
    if known is None:
        raise Http404("No such query is kept.")
    return known


def _threshold() -> float:
    return float(setting("SLOW_QUERY_THRESHOLD"))
