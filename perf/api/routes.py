"""One route as JSON."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from ninja.errors import HttpError

from perf.access import requires
from perf.api.overview import RouteOut, route_data
from perf.api.schemas import Asked, MomentOut, Period, RequestsOut, moments_data, period_data, requests_data
from perf.close_up import close_up
from perf.examples import Example

router = Router()


class KindOut(RequestsOut):
    """Requests with one method that were answered with one status."""

    method: str
    status: str


class AskedOut(Schema):
    """A query without its values, asked `times` from one line, first `started` seconds after the request began."""

    sql: str
    file: str
    line: int
    function: str
    started: float
    times: int
    seconds: float


class CalledOut(Schema):
    """One read from the cache."""

    family: str
    outcome: str
    seconds: float


class ExampleOut(Schema):
    """One request that ended at `at`: `count` queries took `database` seconds, the cache `cache` seconds."""

    at: dt.datetime
    seconds: float
    method: str
    status: str
    count: int
    database: float
    cache: float
    queries: list[AskedOut]
    calls: list[CalledOut]


class CloseUpOut(Period):
    """One route's requests: all, by method and status (the most frequent first), and step by step.

    `slowest` are the slowest single requests that are kept, `drawn` is one at random; null where none is.
    """

    route: RouteOut
    kinds: list[KindOut]
    steps: list[MomentOut]
    slowest: list[ExampleOut]
    drawn: ExampleOut | None


@router.get("/performance/routes/{path:route}", response=CloseUpOut, summary="What one route costs")
@requires("perf.view_performance")
def performance_route(request: HttpRequest, route: str, asked: Query[Asked]) -> dict[str, Any]:
    """Times, queries, bytes and errors of the route with this URL name; 404 where none was asked for in the period."""
    shown = close_up(route, asked.period)
    seen, examples = shown.seen, shown.examples
    if not seen.kinds:
        raise HttpError(404, f"No request to {route!r} was recorded in this period.")
    return {
        **period_data(shown.period, shown.window),
        "route": route_data(seen.route),
        "kinds": [{"method": method, "status": status, **requests_data(one)} for method, status, one in seen.kinds],
        "steps": moments_data(seen.moments),
        "slowest": [_example(one) for one in examples.worst] if examples else [],
        "drawn": _example(examples.drawn) if examples and examples.drawn else None,
    }


def _example(example: Example) -> dict[str, Any]:
    return asdict(example) | {"at": example.ended}
