"""Times every request, says so in its answer, and records it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase
from django.utils.encoding import escape_uri_path

from perf import recording, traces
from perf.conf import setting
from perf.queries import profiled
from perf.traces import Trace

log = logging.getLogger(__name__)

NOWHERE = "(none)"
ROUTE = "perf.route"  # in request.META, which is the server's own environ: for the warm path
READS = frozenset({"GET", "HEAD"})  # what others are told of their queries says whether, say, an address is known
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class TimingMiddleware:
    """Measures the whole request: X-Response-Time, Server-Timing, a record, and a warning about slow ones.

    It stands first in MIDDLEWARE, so that errors and redirects of the others are measured too. Not used at all
    with ENABLE_MONITORING=0.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not setting("ENABLE_MONITORING"):
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        trace = Trace()
        token = traces.begin(trace)
        trace.own += perf_counter() - trace.began
        try:
            if setting("PROFILE_QUERIES"):
                with profiled(name_of(request)):
                    response = self.get_response(request)
            else:
                response = self.get_response(request)
        finally:
            traces.end(token)
        ended = perf_counter()
        finish(request, response, trace, ended)
        return response


def finish(request: HttpRequest, response: HttpResponseBase, trace: Trace, ended: float) -> None:
    """Tell and record what `trace` saw of the request that ended at that instant of perf_counter()."""
    elapsed = ended - trace.began
    database = (trace.count, trace.seconds) if request.method in READS else None
    for name, value in timing_headers(elapsed, database):
        response.headers[name] = value
    match = request.resolver_match
    trace.what = request.META[ROUTE] = match.view_name if match else NOWHERE
    trace.method = request.method if request.method in METHODS else "OTHER"  # anybody may send thousands of others
    trace.status = str(response.status_code)
    traces.tell(trace, elapsed)
    if elapsed > setting("SLOW_REQUEST_THRESHOLD"):
        name = name_of(request)
        log.warning("Slow request: %s took %.3f s (%d queries, %.3f s)", name, elapsed, trace.count, trace.seconds)
    size = None if response.streaming else len(response.content)  # type: ignore[attr-defined]  # of what streams not
    own = trace.own + perf_counter() - ended
    labels = trace.method, trace.what, trace.status
    recording.requested((*labels, elapsed, trace.seconds, trace.cached, trace.count, size, own))


def name_of(request: HttpRequest) -> str:
    """The method and path of a request for the log; escaped, since a path may hold line breaks."""
    return f"{request.method} {escape_uri_path(request.path)}"


def timing_headers(elapsed: float, database: tuple[int, float] | None) -> tuple[tuple[str, str], tuple[str, str]]:
    """The timing headers of an answer that took `elapsed` seconds, of which `database`: queries, and their seconds."""
    told = f"total;dur={elapsed * 1000:.1f}"
    if database is not None:
        queries, seconds = database
        told += f', db;dur={seconds * 1000:.1f};desc="{queries} queries"'
    return ("X-Response-Time", f"{elapsed:.3f}s"), ("Server-Timing", told)
