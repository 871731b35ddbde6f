"""Times every request and says so in its answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase
from django.utils.encoding import escape_uri_path

from perf import recording
from perf.conf import setting
from perf.queries import Meter, metered, profiled

log = logging.getLogger(__name__)

NOWHERE = "(none)"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class TimingMiddleware:
    """Measures the whole request: X-Response-Time, Server-Timing, and a warning about slow ones.

    It stands first in MIDDLEWARE, so that errors and redirects of the others are measured too. Not used at all
    with ENABLE_MONITORING=0.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not setting("ENABLE_MONITORING"):
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        name = f"{request.method} {escape_uri_path(request.path)}"  # escaped: a path may hold line breaks
        with metered() as meter, profiled(name):
            response = self.get_response(request)
        elapsed = perf_counter() - started
        tell(response, elapsed, meter)
        recording.requested(
            recording.Request(
                method_of(request),
                route_of(request),
                str(response.status_code),
                elapsed,
                meter.seconds,
                None,
                meter.count,
                size_of(response),
            )
        )
        if elapsed > setting("SLOW_REQUEST_THRESHOLD"):
            log.warning("Slow request: %s took %.3f s (%d queries, %.3f s)", name, elapsed, meter.count, meter.seconds)
        return response


def route_of(request: HttpRequest) -> str:
    """The URL name with its namespace, such as snapshots:overview; NOWHERE for what matched no route."""
    match = request.resolver_match
    return match.view_name if match else NOWHERE


def method_of(request: HttpRequest) -> str:
    """The request's method; OTHER for one that HTTP does not have, of which anybody may send thousands."""
    return request.method if request.method in METHODS else "OTHER"


def size_of(response: HttpResponseBase) -> int | None:
    """How many bytes the body has; None of a stream, whose end nobody knows yet."""
    return None if response.streaming else len(response.content)  # type: ignore[attr-defined]  # of what streams not


def tell(response: HttpResponseBase, elapsed: float, meter: Meter) -> None:
    """Write the timing headers of `response`: `elapsed` in seconds, and what the database had of it."""
    for name, value in timing_headers(elapsed, meter):
        response[name] = value


def timing_headers(elapsed: float, meter: Meter) -> list[tuple[str, str]]:
    """The timing headers of an answer that took `elapsed` seconds."""
    database = f'db;dur={meter.seconds * 1000:.1f};desc="{meter.count} queries"'
    return [
        ("X-Response-Time", f"{elapsed:.3f}s"),
        ("Server-Timing", f"total;dur={elapsed * 1000:.1f}, {database}"),
    ]
