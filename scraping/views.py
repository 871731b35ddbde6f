"""Pages about gathering: platforms, runs with live progress, and the buttons that start, pause and cancel."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from perf.access import requires
from scraping import board
from scraping.models import ScrapeRun

RUNS_SHOWN = 20
ATTEMPTS_SHOWN = 10
LOOKS_SHOWN = 10
JOBS_PER_PAGE = 50


@require_safe
@requires("scraping.view_scraperun")
def runs(request: HttpRequest) -> HttpResponse:
    """Every platform's state and quota, the runs under way, what failed, and the runs before."""
    latest = list(ScrapeRun.objects.visible_to(request.user).for_runs_page()[:RUNS_SHOWN])
    shown = latest[0] if latest else None
    context = {
        "open_runs": [run for run in latest if run.is_open],
        "runs": latest,
        "platforms": board.platform_rows(),
        "shown": shown,
        "failures": board.failures(shown) if shown else [],
    }
    return render(request, "scraping/runs.html", context)
