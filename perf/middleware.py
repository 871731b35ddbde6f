"""Times every request and says so in its answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase
from django.utils.encoding import escape_uri_path

from perf.queries import Meter, metered, profiled

log = logging.getLogger(__name__)


class TimingMiddleware:
    """Measures the whole request: X-Response-Time, Server-Timing, and a warning about slow ones.

    It stands first in MIDDLEWARE, so that errors and redirects of the others are measured too. Not used at all
    with ENABLE_MONITORING=0.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.ENABLE_MONITORING:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        name = f"{request.method} {escape_uri_path(request.path)}"  # escaped: a path may hold line breaks
        with metered() as meter, profiled(name):
            response = self.get_response(request)
        elapsed = perf_counter() - started
        tell(response, elapsed, meter)
        if elapsed > settings.SLOW_REQUEST_THRESHOLD:
            log.warning("Slow request: %s took %.3f s (%d queries, %.3f s)", name, elapsed, meter.count, meter.seconds)
        return response


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
