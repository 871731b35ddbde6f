"""What one request or task did: its queries with the lines that asked, and its calls of the cache."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple

from perf.conf import setting
from perf.places import NOWHERE, Place, place_of

log = logging.getLogger(__name__)

MOST = 300  # queries and cache calls that a trace keeps; it counts and times all
MOST_SLOW = 50  # slow queries that it keeps beyond them


class QueryCall(NamedTuple):
    """One query: `sql` as the database got it, never its parameters; `started` seconds after its trace began.

    `is_kept` says that it ran for an answer that the cache keeps, which tells of its crowds itself.
    """

    sql: str
    started: float
    seconds: float
    place: Place
    is_kept: bool = False


class CacheCall(NamedTuple):
    """One answer asked of the cache: of which family, how it was come by, the seconds the cache took."""

    family: str
    outcome: str
    seconds: float


@dataclass(slots=True)
class Trace:
    """What a request or task did so far. `count` queries took `seconds`, the cache took `cached`; both count all.

    `own` is what watching cost, in seconds; `kept` how many answers of the cache, each a part of the one before, are
    computed at this moment.
    """

    what: str = ""
    method: str = ""
    status: str = ""
    began: float = field(default_factory=perf_counter)
    queries: list[QueryCall] = field(default_factory=list)
    calls: list[CacheCall] = field(default_factory=list)
    count: int = 0
    seconds: float = 0.0
    cached: float = 0.0
    own: float = 0.0
    kept: int = 0
    _told: float = 0.0  # of `cached`, what the calls so far have

    def query(self, sql: str, started: float, ended: float) -> None:
        """Take in a query that ran between the two instants of perf_counter()."""
        self.count += 1
        self.seconds += ended - started
        if Detail.wanted and (len(self.queries) < MOST or self._has_room_for_slow(ended - started)):
            place = place_of(sys._getframe(2))
            self.queries.append(QueryCall(sql, started - self.began, ended - started, place, self.kept > 0))
        self.own += perf_counter() - ended

    def _has_room_for_slow(self, seconds: float) -> bool:
        return seconds > setting("SLOW_QUERY_THRESHOLD") and len(self.queries) < MOST + MOST_SLOW

    def call(self, family: str, outcome: str) -> None:
        """Take in an answer of the cache; what the cache took since the last one was for it."""
        if len(self.calls) < MOST:
            self.calls.append(CacheCall(family, outcome, self.cached - self._told))
            self._told = self.cached


class Detail:
    """Whether traces list what was asked and where; not while measuring costs too much."""

    wanted = True


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)
current: Callable[[], Trace | None] = _current.get
"""The trace of the request or task that runs; None outside one."""

begin, end = _current.set, _current.reset

ended: list[Callable[[Trace, float], None]] = []
"""Called with each trace and its seconds when its request or task has ended."""

_failing: set[object] = set()


@contextmanager
def traced(what: str) -> Iterator[Trace]:
    """Trace the block, such as a task, under the name `what`, and tell everybody in `ended`."""
    trace = Trace(what)
    token = begin(trace)
    try:
        yield trace
    finally:
        end(token)
        tell(trace, perf_counter() - trace.began)


def tell(trace: Trace, seconds: float) -> None:
    """Show `trace` to everybody in `ended`. An error of theirs is logged when it first comes, and nobody's answer."""
    for observer in ended:
        try:
            observer(trace, seconds)
        except Exception:
            if observer not in _failing:
                _failing.add(observer)
                log.exception("%r failed on %s", observer, trace.what)


__all__ = ["NOWHERE", "CacheCall", "Place", "QueryCall", "Trace", "begin", "current", "end", "ended", "tell", "traced"]
