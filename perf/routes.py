"""What requests cost: of each route, beside its budget, and of all of them, over a period and step by step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from perf.budgets import Budget, budgets
from perf.histograms import Histogram
from perf.reading import Window, counts, histograms, totals
from perf.recording import ALL, READS
from perf.series import Labels

Key = Any  # what tells requests apart: a route, or a method and a status


PARTS = ("times", "database", "cache", "queries", "bytes")
PRECISION = 1.02  # of quantiles: what is above a budget by less may be within it
DAY = timedelta(days=1)
READS_MIN = 100  # of the cache in a period, below which a share of them says little


@dataclass(slots=True)
class Requests:
    """What some requests cost, in seconds, numbers and bytes; `failed` were answered 5xx, `refused` 4xx."""

    times: Histogram = field(default_factory=Histogram)
    database: Histogram = field(default_factory=Histogram)
    cache: Histogram = field(default_factory=Histogram)
    queries: Histogram = field(default_factory=Histogram)
    bytes: Histogram = field(default_factory=Histogram)
    failed: int = 0
    refused: int = 0

    def merge(self, other: Requests) -> None:
        """Count those of `other` too."""
        for part in PARTS:
            getattr(self, part).merge(getattr(other, part))
        self.failed += other.failed
        self.refused += other.refused

    @property
    def count(self) -> int:
        """How many there were."""
        return self.times.count

    @property
    def error_rate(self) -> float | None:
        """Which part of them failed, from 0 to 1; None of no requests."""
        return self.failed / self.count if self.count else None

    @property
    def database_share(self) -> float | None:
        """Which part of their time the database had; None where nothing was timed."""
        return self.database.total / self.times.total if self.times.total else None


class Excess(NamedTuple):
    """A figure beyond its budget: what it is, in words, and both numbers. A hit rate is below, all else above."""

    what: str
    value: float
    budget: float


@dataclass(slots=True)
class Route:
    """One route's requests, its reads from the cache, and what it may cost."""

    name: str
    requests: Requests = field(default_factory=Requests)
    hits: int = 0
    reads: int = 0
    budget: Budget | None = None
    judged_by_hits: bool = False
    """Whether the period is long enough for the budget's hit rate, which is that of a day."""
    share: float = 0
    """Of the time that all requests took, from 0 to 1."""

    @property
    def hit_rate(self) -> float | None:
        """Which part of its reads the cache answered; None where it reads nothing from the cache."""
        return self.hits / self.reads if self.reads else None

    @property
    def budget_seconds(self) -> float | None:
        """What 95 of 100 requests may take at most; None where nothing says."""
        return self.budget.p95 / 1000 if self.budget and self.budget.p95 is not None else None

    @property
    def excesses(self) -> list[Excess]:
        """What is over budget: p95 of time, of queries and of bytes, each of all requests, cached ones among them.

        And the hit rate that is under it, where it can be judged.
        """
        if self.budget is None:
            return []
        one, may = self.requests, self.budget
        compared = [
            ("time", one.times.p95, self.budget_seconds),
            ("queries", one.queries.p95, may.queries),
            ("bytes", one.bytes.p95, may.bytes),
        ]
        known = [Excess(what, value, most) for what, value, most in compared if value is not None and most is not None]
        over = [excess for excess in known if excess.value > excess.budget * PRECISION]
        least = may.hit_rate if self.judged_by_hits and self.reads >= READS_MIN else None
        if least is not None and self.hits / self.reads < least:
            over.append(Excess("hit rate", self.hits / self.reads, least))
        return over

    @property
    def is_over(self) -> bool:
        """Whether its p95 is above the budget."""
        return any(excess.what == "time" for excess in self.excesses)


@dataclass(slots=True)
class Moment:
    """The requests of one step of time."""

    times: Histogram = field(default_factory=Histogram)
    failed: int = 0
    refused: int = 0

    @property
    def answered(self) -> int:
        """How many were neither refused nor failed."""
        return self.times.count - self.failed - self.refused


class Watched(NamedTuple):
    """A period: all its requests, each route's, and those of each step (None: nothing was recorded)."""

    window: Window
    whole: Requests
    routes: list[Route]
    moments: list[tuple[datetime, Moment | None]]


def watched(window: Window, order: str = "time") -> Watched:
    """What was asked in `window`, routes in the `order` that is asked for (a key of ORDERS)."""
    routes: defaultdict[str, Route] = defaultdict(lambda: Route(""))
    moments = _moments(window)
    for labels, times in totals("request", window).items():
        _take(routes[labels.get("route")].requests, labels, times)
    _add_rest(window, {name: route.requests for name, route in routes.items()}, lambda labels: labels.get("route"))
    whole = Requests()
    for route in routes.values():
        whole.merge(route.requests)
    _complete(routes, window, whole)
    steps = [(step, moments.get(step)) for step in window.steps]
    return Watched(window, whole, sorted(routes.values(), key=ORDERS[order]), steps)


def _moments(window: Window) -> dict[datetime, Moment]:
    """Each step that had requests: from the times of all routes, and before those began from each route's."""
    found: defaultdict[datetime, Moment] = defaultdict(Moment)
    for step, labels, times in histograms(ALL, window):
        _take(found[step], labels, times)
    began = min(found, default=window.end)  # perhaps in the middle of that step
    found.pop(began, None)
    before = min(began + timedelta(seconds=window.seconds), window.end)
    for step, labels, times in histograms("request", replace(window, end=before)):
        _take(found[step], labels, times)
    return found


@dataclass(slots=True)
class Closely:
    """One route over a period: together, by method and status, and step by step."""

    route: Route
    kinds: list[tuple[str, str, Requests]]
    moments: list[tuple[datetime, Moment | None]]


def watched_closely(window: Window, name: str) -> Closely:
    """The requests to the route `name`; nothing was recorded where it has no kinds."""
    kinds: defaultdict[tuple[str, str], Requests] = defaultdict(Requests)
    moments: defaultdict[datetime, Moment] = defaultdict(Moment)
    for step, labels, times in histograms("request", window, route=name):
        _take(moments[step], labels, times)
    for labels, times in totals("request", window, route=name).items():
        _take(kinds[labels.get("method"), labels.get("status")], labels, times)
    _add_rest(window, kinds, lambda labels: (labels.get("method"), labels.get("status")), route=name)
    route = Route(name)
    for requests in kinds.values():
        route.requests.merge(requests)
    _complete({name: route}, window, route.requests)
    listed = sorted(kinds.items(), key=lambda kind: -kind[1].count)
    return Closely(route, [(*kind, one) for kind, one in listed], [(step, moments.get(step)) for step in window.steps])


def _take(into: Requests | Moment, labels: Labels, times: Histogram) -> None:
    into.times.merge(times)
    status = labels.get("status")
    if status.startswith("5"):
        into.failed += times.count
    elif status.startswith("4"):
        into.refused += times.count


def _add_rest(window: Window, requests: Mapping[Key, Requests], key: Callable[[Labels], Key], **labels: str) -> None:
    """Add what is kept beside the times to the requests that `key` finds."""
    for part in PARTS[1:]:
        for own, histogram in totals(f"request.{part}", window, **labels).items():
            if (one := requests.get(key(own))) is not None:
                getattr(one, part).merge(histogram)


def _complete(routes: dict[str, Route], window: Window, whole: Requests) -> None:
    known = budgets()
    for name, route in routes.items():
        route.name, route.budget = name, known.get(name)
        route.judged_by_hits = window.end - window.start >= DAY
        route.share = route.requests.times.total / whole.times.total if whole.times.total else 0
    for labels, many in counts(READS, window).items():
        if (reader := routes.get(labels.get("route"))) is not None:
            reader.reads += many
            reader.hits += many if labels.get("outcome") != "misses" else 0


ORDERS: dict[str, Callable[[Route], Any]] = {
    "time": lambda route: (-route.requests.times.total, route.name),
    "requests": lambda route: (-route.requests.count, route.name),
    "p95": lambda route: (-(route.requests.times.p95 or 0), route.name),
    "errors": lambda route: (-route.requests.failed, -route.requests.refused, route.name),
    "queries": lambda route: (-(route.requests.queries.p50 or 0), route.name),
    "route": lambda route: route.name,
}
"""By what routes can be sorted: the first, by the time that each took of all."""
