"""The page that says what tomorrow's plan needs of each platform, what will not fit, and what to do."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from perf import clock
from perf.access import requires
from scraping.advice import advice, summary
from scraping.forecasting import forecast

DAYS_AHEAD = 7  # how far the page looks


@require_safe
@requires("scraping.view_scraperun")
def capacity(request: HttpRequest) -> HttpResponse:
    """Tomorrow's plan (or ?day=, today to a week ahead) against the platforms' limits."""
    days = [clock.today() + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)]
    made = forecast(_chosen(request.GET.get("day", ""), days))
    rows = [(row, advice(made, row)) for row in made.platforms]
    context: dict[str, Any] = {"forecast": made, "rows": rows, "summary": summary(made), "days": days}
    return render(request, "scraping/capacity.html", context)


def _chosen(named: str, days: list[date]) -> date:
    """The day that ?day= names, or tomorrow for anything else."""
    return next((day for day in days if day.isoformat() == named), days[1])
