"""The first page: what to mend, the whole, and one line per route."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from perf.access import requires
from perf.board import board, foremost
from perf.findings import findings
from perf.gauges import readings
from perf.periods import asked_period
from perf.reading import together
from perf.routes import ORDERS
from perf.sizes.contents import size


@require_safe
@requires("perf.view_performance")
@together()
def overview(request: HttpRequest) -> HttpResponse:
    """Findings, figures of everything, and each route beside its budget."""
    order = request.GET.get("order", "")
    shown = board(asked_period(request), order if order in ORDERS else "time")
    found = findings(shown.watched.window)
    context: dict[str, Any] = {"board": shown, "period": shown.period, "findings": found, "foremost": foremost(found)}
    if "HX-Request" not in request.headers:  # who polls takes the board alone
        context |= {"readings": readings(request.user), "database": size()}
    return render(request, "perf/overview.html", context)
