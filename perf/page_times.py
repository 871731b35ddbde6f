"""How long pages took in browsers, as the browsers told it: by route, over a period."""

from __future__ import annotations

from dataclasses import dataclass, field

from perf.histograms import Histogram
from perf.models.page_views import TIMED
from perf.reading import Window, totals

LOADED_WITHIN = 2.0  # seconds that 95 of 100 views may take until everything is loaded


@dataclass(slots=True)
class Page:
    """One route's views; times in seconds, each from when the page was asked for, an interaction from its press."""

    route: str
    times: dict[str, Histogram] = field(default_factory=lambda: {what: Histogram() for what in TIMED})

    @property
    def views(self) -> int:
        """How many views told anything."""
        return max(one.count for one in self.times.values())

    @property
    def is_slow(self) -> bool:
        """Whether too many views took longer than LOADED_WITHIN."""
        return (self.times["loaded"].p95 or 0) > LOADED_WITHIN


def pages(window: Window) -> list[Page]:
    """Every route that browsers told of in the period; the most viewed first."""
    found: dict[str, Page] = {}
    for what in TIMED:
        for labels, times in totals(f"page.{what}", window).items():
            route = labels.get("route")
            found.setdefault(route, Page(route)).times[what].merge(times)
    return sorted(found.values(), key=lambda page: (-page.views, page.route))
