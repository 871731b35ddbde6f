"""How the cache answers, family by family."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from perf import reading
from perf.access import requires
from perf.drawing import reads_chart
from perf.families import families, together
from perf.periods import asked_period


@require_safe
@requires("perf.view_performance")
def cache(request: HttpRequest) -> HttpResponse:
    """Hits, misses, bytes and time saved of each family."""
    period = asked_period(request)
    window = reading.window(period)
    found = families(window)
    context = {"period": period, "window": window, "families": found, "whole": together(found)}
    return render(request, "perf/cache.html", context | {"chart": reads_chart(window)})
