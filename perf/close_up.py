"""What the page of one route and its JSON show of a period."""

from __future__ import annotations

from typing import NamedTuple

from perf import exemplars, reading
from perf.charts import Chart
from perf.drawing import requests_chart, times_chart
from perf.examples import Examples
from perf.reading import Window
from perf.routes import Closely, watched_closely


class CloseUp(NamedTuple):
    """All of the page of one route."""

    period: str
    window: Window
    seen: Closely
    times: Chart
    asked: Chart
    examples: Examples | None


def close_up(route: str, period: str) -> CloseUp:
    """The page of `route` (a URL name, or what stands for none) over `period` (a key of perf.periods.PERIODS)."""
    window = reading.window(period)
    seen = watched_closely(window, route)
    times = times_chart(seen.moments, level=seen.route.budget_seconds)
    return CloseUp(period, window, seen, times, requests_chart(seen.moments), exemplars.of(route, window))
