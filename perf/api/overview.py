"""The first performance page as JSON."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from perf.access import requires
from perf.api.families import CacheReads, reads_data
from perf.api.schemas import (
    Asked,
    MomentOut,
    Period,
    RequestsOut,
    Spread,
    moments_data,
    period_data,
    requests_data,
    spread,
)
from perf.board import board
from perf.routes import Route

router = Router()


class BudgetOut(Schema):
    """The most a cold answer may cost; null where nothing is limited. `hit_rate` (0 to 1) is the least over a day."""

    queries: int
    bytes: int | None
    p95_ms: float | None
    hit_rate: float | None


class RouteOut(RequestsOut):
    """One route by its URL name: `share` of the time of all requests, `reads` from the cache, what is `over` budget.

    Under its budget is a hit rate, which is judged of a day and longer.
    """

    route: str
    share: float
    reads: int
    hits: int
    budget: BudgetOut | None
    over: list[str]


class OverviewOut(Period):
    """Everything that was asked: `shed` values had no room and are missing in the figures. Routes by their time.

    `rests` is how often measuring took too much of a process, which then counted queries for a while and listed none;
    `overhead` is what measuring took of each request that Django answered, in seconds.
    """

    shed: int
    rests: int
    overhead: Spread
    whole: RequestsOut
    cache: CacheReads
    routes: list[RouteOut]
    steps: list[MomentOut]


@router.get("/performance", response=OverviewOut, summary="What every route costs, beside its budget")
@requires("perf.view_performance")
def performance(request: HttpRequest, asked: Query[Asked]) -> dict[str, Any]:
    """Requests, times, errors, queries and cache reads of a period: of all routes, of each, and step by step."""
    shown = board(asked.period)
    return {
        **period_data(shown.period, shown.watched.window),
        "shed": shown.shed,
        "rests": shown.rests,
        "overhead": spread(shown.overhead),
        "whole": requests_data(shown.watched.whole),
        "cache": reads_data(shown.cache),
        "routes": [route_data(route) for route in shown.watched.routes],
        "steps": moments_data(shown.watched.moments),
    }


def route_data(route: Route) -> dict[str, Any]:
    """RouteOut of `route`."""
    budget = route.budget
    limits = budget and {
        "queries": budget.queries,
        "bytes": budget.bytes,
        "p95_ms": budget.p95,
        "hit_rate": budget.hit_rate,
    }
    return {
        **requests_data(route.requests),
        "route": route.name,
        "share": route.share,
        "reads": route.reads,
        "hits": route.hits,
        "budget": limits,
        "over": [excess.what for excess in route.excesses],
    }
