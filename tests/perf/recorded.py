"""A recorded day for tests of the performance pages: the same requests each hour, the oldest hours first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from perf import clock, recording, storing
from perf.sizes import sampling


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
