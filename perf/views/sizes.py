"""The pages of storage and of processes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from perf.access import requires
from perf.periods import asked_period
from perf.sizes.running import processes as read_processes
from perf.sizes.storage import storage as read_storage


@require_safe
@requires("perf.view_performance")
def storage(request: HttpRequest) -> HttpResponse:
    """What lies in database and Redis, and how it grows."""
    period = asked_period(request)
    return render(request, "perf/storage.html", {"period": period, "shown": read_storage(period, request.user)})


@require_safe
@requires("perf.view_performance")
def processes(request: HttpRequest) -> HttpResponse:
    """Which processes run where, and what they take."""
    period = asked_period(request)
    return render(request, "perf/processes.html", {"period": period, "shown": read_processes(period)})
