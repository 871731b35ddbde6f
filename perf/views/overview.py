"""The first page: what to mend, the whole, and one line per route."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from perf.access import requires
from perf.board import board
from perf.periods import asked_period
from perf.routes import ORDERS


@require_safe
@requires("perf.view_performance")
def overview(request: HttpRequest) -> HttpResponse:
    """Findings, figures of everything, and each route beside its budget."""
    order = request.GET.get("order", "")
    shown = board(asked_period(request), order if order in ORDERS else "time")
    return render(request, "perf/overview.html", {"board": shown, "period": shown.period})
