"""A recorded day for tests of the performance pages: the same requests each hour, the oldest hours first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from perf import clock, recording, storing, traces
from perf.flushing import flush
from perf.queries import REPEATED
from perf.sizes import sampling
from perf.traces import CacheCall, Place, QueryCall, Trace


class Answered(NamedTuple):
    """One request: two fifths of its time were the database's, a tenth the cache's. `size` is None of a stream."""

    route: str
    seconds: float = 0.02
    method: str = "GET"
    status: int = 200
    queries: int = 5
    size: int | None = 900

    def record(self) -> None:
        labels = {"route": self.route, "method": self.method, "status": str(self.status)}
        recording.record("request", self.seconds, **labels)
        recording.record("request.database", self.seconds * 0.4, **labels)
        recording.record("request.cache", self.seconds * 0.1, **labels)
        recording.record("request.queries", self.queries, **labels)
        if self.size is not None:
            recording.record("request.bytes", self.size, **labels)


def day(requests: Iterable[Answered], hours: Iterable[int] = (0,)) -> None:
    """Record the same `requests` in each of `hours`, counted back from now, and keep them where pages read."""
    kept = list(requests)
    for back in sorted(hours, reverse=True):
        with clock.shifted(timedelta(hours=-back)):
            for request in kept:
                request.record()
            storing.keep()
    storing.roll_up()


def processes_reported() -> None:
    """A process that has nearly all files open that it may have, and this machine, reported themselves just now."""
    recording.gauge("process.files", 95, kind="web", host="a", number="1")
    recording.gauge("process.files_limit", 100, kind="web", host="a", number="1")
    sampling.sample_host()
    storing.keep()


def loop(route: str) -> None:
    """Let a request end that ran one slow query again and again from one line, by a column without an index."""
    sql, place = 'SELECT * FROM "workitems_workitem" WHERE "workitems_workitem"."detail" = %s', Place("a.py", 7, "page")
    asked = [QueryCall(sql, number * 0.2, 0.2, place) for number in range(REPEATED)]
    trace = Trace(route, method="GET", status="200", queries=asked)
    trace.count, trace.seconds = REPEATED, 0.2 * REPEATED
    traces.tell(trace, trace.seconds)
    flush()


def example(route: str, seconds: float) -> None:
    """Let a request end that asked one query three times from one line, and the cache once."""
    place = Place("workitems/views.py", 41, "dashboard")
    asked = [QueryCall("SELECT * FROM photo WHERE item_id = %s", number / 100, 0.2, place) for number in range(3)]
    trace = Trace(route, method="GET", status="200", queries=asked, calls=[CacheCall("stats", "misses", 0.001)])
    trace.count, trace.seconds, trace.cached = 3, 0.6, 0.001
    traces.tell(trace, seconds)
