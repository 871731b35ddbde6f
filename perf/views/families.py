"""How the cache answers, family by family."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from perf import reading
from perf.access import requires
from perf.drawing import reads_chart
from perf.families import families, together
from perf.findings import findings
from perf.periods import asked_period


@require_safe
@requires("perf.view_performance")
@reading.together()
def cache(request: HttpRequest) -> HttpResponse:
    """Hits, misses, bytes and time saved of each family."""
    period = asked_period(request)
    window = reading.window(period)
    read = families(window)
    context: dict[str, Any] = {"period": period, "window": window, "families": read, "whole": together(read)}
    names = {one.family for one in read}
    context["findings"] = [one for one in findings(window) if one.subject in names]
    return render(request, "perf/cache.html", context | {"chart": reads_chart(window)})
