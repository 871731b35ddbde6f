"""One route as JSON."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router
from ninja.errors import HttpError

from perf.access import requires
from perf.api.overview import RouteOut, route_data
from perf.api.schemas import Asked, MomentOut, Period, RequestsOut, moments_data, period_data, requests_data
from perf.close_up import close_up

router = Router()


class KindOut(RequestsOut):
    """Requests with one method that were answered with one status."""

    method: str
    status: str


class CloseUpOut(Period):
    """One route's requests: all, by method and status (the most frequent first), and step by step."""

    route: RouteOut
    kinds: list[KindOut]
    steps: list[MomentOut]


@router.get("/performance/routes/{path:route}", response=CloseUpOut, summary="What one route costs")
@requires("perf.view_performance")
def performance_route(request: HttpRequest, route: str, asked: Query[Asked]) -> dict[str, Any]:
    """Times, queries, bytes and errors of the route with this URL name; 404 where none was asked for in the period."""
    shown = close_up(route, asked.period)
    seen = shown.seen
    if not seen.kinds:
        raise HttpError(404, f"No request to {route!r} was recorded in this period.")
    return {
        **period_data(shown.period, shown.window),
        "route": route_data(seen.route),
        "kinds": [{"method": method, "status": status, **requests_data(one)} for method, status, one in seen.kinds],
        "steps": moments_data(seen.moments),
    }
