"""The first performance page as JSON."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from perf.access import requires
from perf.budgets import budgets

router = Router()


class BudgetOut(Schema):
    """The most a cold answer may cost; null where nothing is limited. `hit_rate` (0 to 1) is the least over a day."""

    queries: int
    bytes: int | None
    p95_ms: float | None
    hit_rate: float | None


class RouteOut(Schema):
    """One route, by its URL name, and what it may cost."""

    route: str
    budget: BudgetOut


class OverviewOut(Schema):
    """Every route that has a budget."""

    routes: list[RouteOut]


@router.get("/performance", response=OverviewOut, summary="What each route may cost")
@requires("perf.view_performance")
def performance(request: HttpRequest) -> dict[str, Any]:
    """The routes with their budgets, by name."""
    return {
        "routes": [
            {
                "route": route,
                "budget": {
                    "queries": one.queries,
                    "bytes": one.bytes,
                    "p95_ms": one.p95,
                    "hit_rate": one.hit_rate,
                },
            }
            for route, one in sorted(budgets().items())
        ]
    }
