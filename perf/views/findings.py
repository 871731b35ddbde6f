"""Everything worth mending, as sentences."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from perf.access import requires
from perf.findings import findings as found
from perf.periods import asked_period
from perf.reading import window


@require_safe
@requires("perf.view_performance")
def findings(request: HttpRequest) -> HttpResponse:
    """The findings of a period, the costliest first."""
    period = asked_period(request)
    return render(request, "perf/findings.html", {"period": period, "findings": found(window(period))})
