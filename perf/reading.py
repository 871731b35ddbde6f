"""Reading what was recorded, of all processes; in memory mode, of this one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from perf import clock
from perf.histograms import Histogram
from perf.models import DAYS, HOURS, MINUTES, Ring
from perf.series import COUNT, CROWD, HISTOGRAM, LEVEL, Key, Labels, merge
from perf.storing import store
from perf.tables import together as read_together

__all__ = [
    "PERIODS", "Step", "Window", "count_timeline", "counts", "crowds", "histograms", "levels", "names", "timeline",
    "together", "totals", "window",
]  # fmt: skip

Step = Literal["minute", "hour", "day"]

_RINGS: dict[str, Ring] = {"minute": MINUTES, "hour": HOURS, "day": DAYS}
PERIODS: dict[str, tuple[Step, timedelta]] = {
    "1h": ("minute", timedelta(hours=1)),
    "24h": ("hour", timedelta(hours=24)),
    "7d": ("hour", timedelta(days=7)),
    "30d": ("day", timedelta(days=30)),
    "1y": ("day", timedelta(days=365)),
}


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` until before `end` in whole steps; the last one goes on. Days are UTC's."""

    start: datetime
    end: datetime
    step: Step

    @property
    def seconds(self) -> float:
        """How long one step is."""
        return _RINGS[self.step].step.total_seconds()

    @property
    def steps(self) -> list[datetime]:
        """When each step begins."""
        step = _RINGS[self.step].step
        return [self.start + number * step for number in range((self.end - self.start) // step)]


_summed: ContextVar[dict[tuple[Any, ...], dict[Labels, Any]] | None] = ContextVar("summed", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Within the block each time is read once and each name added up once, so nobody changes what `totals` gives."""
    if _summed.get() is not None:
        yield
        return
    token = _summed.set({})
    try:
        with read_together():
            yield
    finally:
        _summed.reset(token)


def window(period: str) -> Window:
    """The last hour, day, week, month or year: "1h", "24h", "7d", "30d" or "1y". KeyError for anything else."""
    step, length = PERIODS[period]
    ring = _RINGS[step]
    end = ring.period(clock.now()) + ring.step
    return Window(end - length, end, step)


def histograms(name: str, window: Window, **labels: str) -> Iterator[tuple[datetime, Labels, Histogram]]:
    """(step, labels, histogram) of all that was recorded, read once; what belongs together may come in parts."""
    for step, pairs in _blocks((HISTOGRAM, name), window, labels):
        for own, value in pairs:
            yield step, own, value


def totals(name: str, window: Window, **labels: str) -> dict[Labels, Histogram]:
    """The histograms of `name` over the whole window, by their labels; `labels` given here narrow.

    Within `together` they are everybody's: merge them into one of your own.
    """
    return _totals(HISTOGRAM, name, window, labels)


def timeline(name: str, window: Window, **labels: str) -> list[tuple[datetime, Histogram | None]]:
    """The histogram of each step, of all series that match; None where nothing was recorded."""
    return _timeline(HISTOGRAM, name, window, labels)


def counts(name: str, window: Window, **labels: str) -> dict[Labels, int]:
    """What the counters of `name` counted over the whole window, by their labels."""
    return {found: value.amount for found, value in _totals(COUNT, name, window, labels).items()}


def crowds(name: str, window: Window) -> dict[Labels, int]:
    """How many runs of `name` there were at once at most in the window, by their labels."""
    return {labels: value.most for labels, value in _totals(CROWD, name, window, {}).items()}


def count_timeline(name: str, window: Window, **labels: str) -> list[tuple[datetime, int | None]]:
    """What the counters that match counted in each step, together; None where nothing was recorded."""
    steps = _timeline(COUNT, name, window, labels)
    return [(step, None if value is None else value.amount) for step, value in steps]


def levels(name: str, window: Window, **labels: str) -> dict[Labels, list[tuple[datetime, float]]]:
    """The last level of each step that had one, by labels."""
    found: dict[Labels, dict[datetime, Any]] = {}
    for period, pairs in _blocks((LEVEL, name), window, labels):
        for own, value in pairs:
            merge(found.setdefault(own, {}), [(period, value)])
    return {own: [(period, steps[period].last) for period in sorted(steps)] for own, steps in found.items()}


def names() -> set[str]:
    """What was recorded lately."""
    return {name for _, name in store().names()}


def _totals(kind: str, name: str, window: Window, labels: dict[str, str]) -> dict[Labels, Any]:
    key, summed = (kind, name, window, Labels.of(labels)), _summed.get()
    if summed is not None and key in summed:
        return summed[key]
    found: dict[Labels, Any] = {}
    for piece in _pieces(window):
        for _, pairs in _blocks((kind, name), piece, labels):
            merge(found, pairs)
    if summed is not None:
        summed[key] = found
    return found


def _pieces(window: Window) -> list[Window]:
    """The window in as few steps as it has: the whole days of a week, and the hours before and after them."""
    first = DAYS.period(window.start + DAYS.step - MINUTES.step)
    last = DAYS.period(window.end)
    if window.step != "hour" or last - first < 2 * DAYS.step:
        return [window]
    pieces = Window(window.start, first, "hour"), Window(first, last, "day"), Window(last, window.end, "hour")
    return [piece for piece in pieces if piece.start < piece.end]


def _timeline(kind: str, name: str, window: Window, labels: dict[str, str]) -> list[tuple[datetime, Any]]:
    found: dict[datetime, Any] = {}
    for period, pairs in _blocks((kind, name), window, labels):
        merge(found, ((period, value) for _, value in pairs))
    return [(step, found.get(step)) for step in window.steps]


def _blocks(
    key: Key, window: Window, labels: dict[str, str]
) -> Iterator[tuple[datetime, Iterable[tuple[Labels, Any]]]]:
    narrow = set(Labels.of(labels))
    alone = key[0] != LEVEL and len(_pieces(window)) > 1  # the sums of all names come from the pieces
    return store().blocks(_RINGS[window.step], key, window.start, window.end, narrow.issubset, alone=alone)
