"""Slow and repeated queries of a period: what was recorded of them, beside what is known about them."""

from __future__ import annotations

from dataclasses import dataclass

from perf.findings.catalogue import CATALOGUE
from perf.findings.indexes import suggestion
from perf.findings.sources import line_of_route
from perf.histograms import Histogram
from perf.models import KnownQuery, QueryPlace
from perf.reading import Window, crowds, totals
from perf.series import Labels


@dataclass(frozen=True, slots=True)
class _Placed:
    """A query at one of the places that run it."""

    query: KnownQuery
    at: QueryPlace

    @property
    def route(self) -> str:
        """The route or task that ran it."""
        return self.at.route

    @property
    def place(self) -> str:
        """ "file:line", or of the route's view where no line of the project asked."""
        return self.at.place or line_of_route(self.at.route)


@dataclass(frozen=True, slots=True)
class Seen(_Placed):
    """A slow query at one place: its slow `runs` in seconds; `crowd` is the most requests that ran it at once.

    `missing` is the index that would serve it, as an imperative, where one can be named.
    """

    runs: Histogram
    crowd: int
    missing: str


@dataclass(frozen=True, slots=True)
class Repeated(_Placed):
    """A query that one line ran again and again: how many `times` per request, and `seconds` in all."""

    times: Histogram
    seconds: float

    @property
    def advice(self) -> str:
        """What to do about it, as a guess."""
        return self.at.advice


def slow(window: Window) -> list[Seen]:
    """Slow queries of `window` by place, the most time first."""
    runs, together = totals("query.slow", window), crowds("query.crowd", window)
    known = _known(runs)
    found = [
        Seen(
            *known[labels],
            one,
            together.get(labels, 1),
            suggestion(known[labels][0].shape),
        )
        for labels, one in runs.items()
        if labels in known
    ]
    return sorted(found, key=lambda one: -one.runs.total)


def repeated(window: Window) -> list[Repeated]:
    """Repeated queries of `window` by place, the most time first."""
    runs, seconds = totals("query.repeated", window), totals("query.repeated.seconds", window)
    known = _known(runs)
    found = [
        Repeated(*known[labels], one, seconds[labels].total if labels in seconds else 0.0)
        for labels, one in runs.items()
        if labels in known
    ]
    return sorted(found, key=lambda one: -one.seconds)


def _known(runs: dict[Labels, Histogram]) -> dict[Labels, tuple[KnownQuery, QueryPlace]]:
    """The query and its place for each series whose query is still kept."""
    queries = CATALOGUE.found(labels.get("query") for labels in runs)
    found = {}
    for labels in runs:
        query, places = queries.get(labels.get("query"), (None, []))
        at = next((one for one in places if (one.route, one.place) == (labels.get("route"), labels.get("place"))), None)
        if query is not None and at is not None:
            found[labels] = query, at
    return found


def shapes(seen: list[Seen]) -> list[str]:
    """The shape of each query, once, the dearest first."""
    return list(dict.fromkeys(one.query.shape for one in seen))
