"""Recording into the memory of this process: an append, so that it costs microseconds and never waits.

What was appended becomes histograms, counts and levels when it is drained, in the background. Above its limits it is
shed, and what was shed is counted under `perf.shed`.
"""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from math import inf
from threading import Lock
from typing import Any, TypeVar

from perf import clock
from perf.conf import setting
from perf.crowds import Crowd, Span
from perf.histograms import Histogram
from perf.series import COUNT, CROWD, HISTOGRAM, LEVEL, NAME_MAX, Count, Labels, Level, Series, merge

T = TypeVar("T")
MOST_WAITING = 50_000  # appended values; about 10 MB
_WAKE_AT = frozenset({0, 10_000})  # waiting: there is something to do, and there is so much that it is urgent
SHED = "perf.shed"

REQUEST = ("request", "request.database", "request.cache", "request.queries", "request.bytes")
ALL = "request.all"  # the times of all routes, by the status's first digit: what a chart draws step by step
OWN = "perf.overhead"
READS = "request.reads"  # reads from the cache, by route and outcome; see perf.reads

Request = tuple[str, str, str, float, float, float, int, int | None, float | None]
"""One answered request: method, route, status; its seconds, those of the database and those of the cache; how many
queries; bytes, or None where nobody knows, as of a stream; the seconds that measuring it cost, where it was traced.
A plain tuple: one with names costs more than everything else that happens to it."""


@dataclass(slots=True)
class Batch:
    """What this process gathered, of the minute in which that began."""

    minute: datetime
    series: Series = field(default_factory=dict)


class _Waiting:
    """What was appended and not drained yet. Appending to a deque and taking from it are atomic: no lock."""

    def __init__(self) -> None:
        self.values: deque[tuple[str, float, dict[str, str]]] = deque()
        self.requests: deque[Request] = deque()
        self.counts: deque[tuple[str, int, dict[str, str]]] = deque()
        self.levels: deque[tuple[str, float, dict[str, str], float]] = deque()
        self.runs: deque[tuple[str, Span, dict[str, str]]] = deque()
        self.shed: defaultdict[str, int] = defaultdict(int)
        self.spent = 0.0  # seconds, on measuring what was drained
        self.since: datetime | None = None  # when it was drained last
        self.drain = Lock()


_waiting = _Waiting()
sources: list[Callable[[], Series]] = []  # give what they gathered themselves, with each batch
wakes: list[Callable[[], None]] = []  # perf.flushing puts itself here: it stands above this module


def record(name: str, seconds: float, **labels: str) -> None:
    """Put one value into the histogram of `name` and `labels`; any unit, ≥ 0, and seconds for times."""
    _append(_waiting.values, (name, seconds, labels))


def requested(request: Request) -> None:
    """Record an answered request under the five names of REQUEST."""
    _append(_waiting.requests, request)


def count(name: str, amount: int = 1, /, **labels: str) -> None:
    """Add `amount` ≥ 0 to the counter of `name` and `labels`."""
    _append(_waiting.counts, (name, amount, labels))


def gauge(name: str, value: float, **labels: str) -> None:
    """Say how high the level of `name` and `labels` is now; of each period the last, least and most are kept."""
    _append(_waiting.levels, (name, value, labels, clock.now().timestamp()))


def ran(name: str, run: Span, **labels: str) -> None:
    """Say that something ran, so that those who did the same at the same time, in whichever processes, are counted."""
    _append(_waiting.runs, (name, run, labels))


def _append(queue: deque[Any], what: Any) -> None:
    if not setting("ENABLE_MONITORING"):
        return
    waiting = len(queue)
    if waiting >= MOST_WAITING:
        _waiting.shed["values"] += 1
        return
    queue.append(what)
    if waiting in _WAKE_AT:
        for wake in wakes:
            wake()


def is_urgent() -> bool:
    """Whether so much waits that the flusher should not sleep."""
    waiting = _waiting
    queues: list[deque[Any]] = [waiting.values, waiting.requests, waiting.counts, waiting.levels, waiting.runs]
    return max(map(len, queues)) >= max(_WAKE_AT)


def spent() -> float:
    """The seconds that measuring requests took in them, of those drained since the last call."""
    seconds, _waiting.spent = _waiting.spent, 0.0
    return seconds


def drained() -> Batch:
    """What gathered since the last call, for the flusher alone."""
    with _waiting.drain:
        series = _Gathering(setting("PERF_MAX_SERIES"))
        for name, values in _by_series(_taken(_waiting.values)).items():
            series.histogram(*name, values)
        _gather_requests(series, _taken(_waiting.requests))
        for name, amount, labels in _taken(_waiting.counts):
            if isinstance(amount, int) and amount >= 0:
                series.at(COUNT, name, Labels.of(labels), Count).amount += amount
            else:
                _waiting.shed["values"] += 1
        for name, value, labels, at in _taken(_waiting.levels):
            level = Level(at, value, value, value)
            series.at(LEVEL, name, Labels.of(labels), partial(replace, level)).merge(level)
        for key, runs in _by_series(_taken(_waiting.runs)).items():
            series.at(CROWD, *key, Crowd).merge(Crowd.of(runs))
        for source in sources:
            for own, block in source().items():
                merge(series.series.setdefault(own, {}), block.items())
        shed = {what: _waiting.shed.pop(what) for what in list(_waiting.shed)}
        for what, many in shed.items():
            block = series.series.setdefault((COUNT, SHED), {})
            block[Labels.of({"what": what})] = Count(many)
        return Batch(_begun().replace(second=0, microsecond=0), series.series)


def _begun() -> datetime:
    """When the batch began that is drained now: as the one before ended, unless that was not a moment ago."""
    now, before = clock.now(), _waiting.since
    _waiting.since = now
    lately = timedelta(seconds=2 * setting("PERF_FLUSH_SECONDS"))
    return before if before is not None and now - lately < before <= now else now


class _Gathering:
    """Series of one batch, at most `most` of them."""

    def __init__(self, most: int) -> None:
        self.series: Series = {}
        self._left = most

    def at(self, kind: str, name: str, labels: Labels, make: Callable[[], Any]) -> Any:
        """The value of a series; beyond the limit one that nobody keeps."""
        key = kind, name[:NAME_MAX]
        block = self.series.get(key)
        value = block.get(labels) if block else None
        if value is not None:
            return value
        if not self._left:
            _waiting.shed["series"] += 1
            return make()
        self._left -= 1
        value = self.series.setdefault(key, {})[labels] = make()
        return value

    def histogram(self, name: str, labels: Labels, values: Sequence[float]) -> Histogram:
        """Put `values` into a histogram, but for those that are no numbers of one; gives what they came to."""
        one = Histogram()
        try:
            one.extend(values)
        except (ValueError, TypeError, OverflowError):
            good = [value for value in values if isinstance(value, int | float) and 0 <= value < inf]
            _waiting.shed["values"] += len(values) - len(good)
            one.extend(good)
        if one.count:
            self.at(HISTOGRAM, name, labels, Histogram).merge(one)
        return one


def _by_series(waiting: list[tuple[str, T, dict[str, str]]]) -> dict[tuple[str, Labels], list[T]]:
    found: defaultdict[tuple[str, tuple[Any, ...]], list[T]] = defaultdict(list)
    for name, value, labels in waiting:
        found[name, tuple(zip(labels, map(str, labels.values()), strict=True))].append(value)
    return _merged_orders(found)


def _merged_orders(found: dict[tuple[str, tuple[Any, ...]], list[T]]) -> dict[tuple[str, Labels], list[T]]:
    """The same with labels in one order, whichever way they were written."""
    series: defaultdict[tuple[str, Labels], list[T]] = defaultdict(list)
    for (name, pairs), values in found.items():
        series[name, Labels.of(dict(pairs))] += values
    return series


def _gather_requests(series: _Gathering, requests: list[Request]) -> None:
    by_labels: defaultdict[tuple[str, str, str], list[Request]] = defaultdict(list)
    for request in requests:
        by_labels[request[:3]].append(request)
    for (method, route, status), some in by_labels.items():
        labels = Labels((("method", method), ("route", route), ("status", status)))
        for name, column in zip(REQUEST, list(zip(*some, strict=True))[3:-1], strict=True):
            values = [value for value in column if value is not None] if None in column else column
            if values and (one := series.histogram(name, labels, values)).count and name == REQUEST[0]:
                series.at(HISTOGRAM, ALL, Labels.of({"status": status[:1]}), Histogram).merge(one)
        if warm := sum(request[-1] is None for request in some):  # answered from the cache, ahead of Django
            hits = Labels.of({"route": route, "outcome": "hits"})
            series.at(COUNT, READS, hits, Count).amount += warm
    if own := [request[-1] for request in requests if request[-1] is not None]:
        series.histogram(OWN, Labels(), own)
        _waiting.spent += sum(own)


def _taken(queue: deque[Any]) -> list[Any]:
    return [queue.popleft() for _ in range(len(queue))]


def forget() -> None:
    """Begin empty, as a fresh process does: after a fork what waits is the parent's. Tests do, too."""
    global _waiting  # noqa: PLW0603  # a lock that another thread held at the fork is held for ever
    _waiting = _Waiting()


os.register_at_fork(after_in_child=forget)
