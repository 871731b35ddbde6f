"""The first page: what each address costs, beside what it may."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from perf.access import requires
from perf.budgets import budgets


@require_safe
@requires("perf.view_performance")
def overview(request: HttpRequest) -> HttpResponse:
    """Every route with its budget."""
    return render(request, "perf/overview.html", {"budgets": sorted(budgets().values(), key=lambda one: one.route)})
