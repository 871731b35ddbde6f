"""One route: its times step by step, by method and status, and what single requests did."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from perf.access import requires
from perf.close_up import close_up
from perf.periods import asked_period


@require_safe
@requires("perf.view_performance")
def route(request: HttpRequest, route: str) -> HttpResponse:
    """What requests to `route` cost; a name that nothing is known of is a page that says so."""
    shown = close_up(route, asked_period(request))
    return render(request, "perf/route.html", {"shown": shown, "period": shown.period})
