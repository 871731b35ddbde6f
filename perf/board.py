"""What the first performance page and its JSON show of a period."""

from __future__ import annotations

from typing import NamedTuple

from perf import clock, reading
from perf.charts import Chart
from perf.drawing import requests_chart, times_chart
from perf.families import FamilyReads, families, together
from perf.findings import Finding
from perf.histograms import Histogram, summed
from perf.overhead import LISTS
from perf.recording import OWN, SHED
from perf.routes import Watched, watched

FOREMOST = 5  # findings on the first page; all of them have a page of their own


class Board(NamedTuple):
    """All of the page.

    `shed` is how many values were dropped for want of room, so that figures are too low; `rests` how often measuring
    took too much of a process, so that for a while queries were counted but not listed; `overhead` what measuring
    cost, in seconds of each request that Django answered.
    """

    period: str
    order: str
    watched: Watched
    cache: FamilyReads
    shed: int
    rests: int
    overhead: Histogram
    times: Chart
    asked: Chart

    @property
    def minutes(self) -> float:
        """How much of the period is over."""
        window = self.watched.window
        return (min(window.end, clock.now()) - window.start).total_seconds() / 60


@reading.together()
def board(period: str, order: str = "time") -> Board:
    """The first page of `period` (a key of perf.periods.PERIODS), routes in `order` (a key of perf.routes.ORDERS)."""
    window = reading.window(period)
    found = watched(window, order)
    dropped = {labels.get("what"): number for labels, number in reading.counts(SHED, window).items()}
    rests = dropped.pop(LISTS, 0)
    return Board(
        period=period,
        order=order,
        watched=found,
        cache=together(families(window)),
        shed=sum(dropped.values()),
        rests=rests,
        overhead=summed(reading.totals(OWN, window).values()),
        times=times_chart(found.moments),
        asked=requests_chart(found.moments),
    )


def foremost(findings: list[Finding]) -> list[Finding]:
    """The findings that the first page names: what fails before what only takes long."""
    return sorted(findings, key=lambda one: one.kind != "errors")[:FOREMOST]
