"""The requests that tell most about a route: its slowest and one at random, with what they asked and where.

Of each hour for the days that minutes are kept, of each day as long as hours are. They travel and are kept as any
series is: see perf/series.py and perf/tables.py.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from random import random
from threading import Lock

from perf import clock, recording, traces
from perf.examples import Example, Examples
from perf.models import HOURS, MINUTES
from perf.reading import Window
from perf.series import EXAMPLES, NAME_MAX, Labels, Series, merge
from perf.storing import store
from perf.traces import Trace

MOST_ROUTES = 500  # of one process and hour that keep examples


@dataclass(slots=True)
class _Candidate:
    """A request that may become an example of its hour; without its trace once that was passed on."""

    seconds: float
    at: float
    trace: Trace | None

    def told(self) -> Example | None:
        """The example, once."""
        trace, self.trace = self.trace, None
        return None if trace is None else Example.of(trace, self.seconds, self.at)


@dataclass(slots=True)
class _Route:
    """The candidates of one route in this hour."""

    worst: list[_Candidate] = field(default_factory=list)
    bar: float = -1.0  # seconds above which a request is among the worst
    lot: float = 1.0  # of the one at random: who draws less takes its place
    drawn: _Candidate | None = None

    def told(self) -> Examples | None:
        """What was not told yet."""
        drawn = self.drawn.told() if self.drawn else None  # first: it may be among the worst, too
        worst = [example for one in self.worst if (example := one.told())]
        return Examples(worst, self.lot if drawn else 1.0, drawn) if worst or drawn else None


class _Hour:
    """What this process keeps of the present hour."""

    def __init__(self) -> None:
        self.guard = Lock()
        self.number = 0
        self.routes: dict[str, _Route] = {}
        self.left: Series = {}  # of the hour before, not told yet


_hour = _Hour()


def consider(trace: Trace, seconds: float) -> None:
    """Keep `trace` if it is among the slowest of its route in this hour, or if its lot is drawn."""
    lot, what = random(), trace.what[:NAME_MAX]  # noqa: S311  # nobody gains by guessing it
    route = _hour.routes.get(what)
    if route is None or seconds > route.bar or lot < route.lot:
        _keep(what, trace, seconds, lot)


def _keep(what: str, trace: Trace, seconds: float, lot: float) -> None:
    now = clock.now().timestamp()
    with _hour.guard:
        if (number := int(now // 3600)) != _hour.number:
            _hour.left = _told()
            _hour.number, _hour.routes = number, {}
        if what not in _hour.routes and len(_hour.routes) >= MOST_ROUTES:
            return
        route = _hour.routes.setdefault(what, _Route())
        if seconds > route.bar:
            route.worst.append(_Candidate(seconds, now, trace))
            route.worst.sort(key=lambda one: -one.seconds)
            del route.worst[Examples.WORST :]
            route.bar = route.worst[-1].seconds if len(route.worst) == Examples.WORST else -1.0
        if lot < route.lot:
            route.lot, route.drawn = lot, _Candidate(seconds, now, trace)


def _told() -> Series:
    found = {what: told for what, route in _hour.routes.items() if (told := route.told())}
    return {(EXAMPLES, what): {Labels(): told} for what, told in found.items()}


def gathered() -> Series:
    """The examples of this process that were not told yet."""
    with _hour.guard:
        series, _hour.left = _hour.left, {}
        for key, block in _told().items():
            merge(series.setdefault(key, {}), block.items())
        return series


def of(what: str, window: Window) -> Examples | None:
    """The slowest of a route or task in the window, and one at random; None where there is none any more."""
    what = what[:NAME_MAX]
    ring = MINUTES if window.step != "day" and window.start >= MINUTES.since(clock.now()) else HOURS
    start = ring.period(window.start, EXAMPLES)
    whole: dict[str, Examples] = {}
    for _, pairs in store().blocks(ring, (EXAMPLES, what), start, window.end, wanted=lambda labels: True):
        merge(whole, ((what, value) for _, value in pairs))
    return whole.get(what)


def forget() -> None:
    """Begin empty, as a fresh process does: after a fork. Tests do, too."""
    global _hour  # noqa: PLW0603  # its lock may be held by a thread that this process does not have
    _hour = _Hour()


traces.ended.append(consider)
recording.sources.append(gathered)
os.register_at_fork(after_in_child=forget)
