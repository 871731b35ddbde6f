"""The pages of tasks, of outgoing calls and of browsers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from perf import reading
from perf.access import requires
from perf.calls import platforms
from perf.drawing import runs_chart, spread_chart
from perf.jobs import jobs
from perf.page_times import LOADED_WITHIN, pages
from perf.periods import asked_period


@require_safe
@requires("perf.view_performance")
def tasks(request: HttpRequest) -> HttpResponse:
    """How long Celery's tasks waited and ran, and what came of them."""
    period = asked_period(request)
    window = reading.window(period)
    context = {"period": period, "window": window, "jobs": jobs(window), "chart": runs_chart(window)}
    return render(request, "perf/tasks.html", context)


@require_safe
@requires("perf.view_performance")
def outgoing(request: HttpRequest) -> HttpResponse:
    """How long platforms took to answer, and how they answered."""
    period = asked_period(request)
    window = reading.window(period)
    chart = spread_chart("Outgoing calls", "outgoing", window)
    context = {"period": period, "window": window, "platforms": platforms(window), "chart": chart}
    return render(request, "perf/outgoing.html", context)


@require_safe
@requires("perf.view_performance")
def frontend(request: HttpRequest) -> HttpResponse:
    """How long pages took in the browsers of the people who opened them."""
    period = asked_period(request)
    window = reading.window(period)
    context = {"period": period, "window": window, "pages": pages(window), "within": LOADED_WITHIN}
    context["chart"] = spread_chart("Until everything was loaded", "page.loaded", window)
    return render(request, "perf/frontend.html", context)
