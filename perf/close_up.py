"""What the page of one route and its JSON show of a period."""

from __future__ import annotations

from typing import NamedTuple

from perf import exemplars, reading
from perf.charts import Chart
from perf.drawing import requests_chart, times_chart
from perf.examples import Examples
from perf.findings import Finding, findings
from perf.reading import Window
from perf.routes import Closely, watched_closely


class CloseUp(NamedTuple):
    """All of the page of one route; the budgets it exceeds are no findings here, the route itself knows them."""

    period: str
    window: Window
    seen: Closely
    times: Chart
    asked: Chart
    examples: Examples | None
    findings: list[Finding]


@reading.together()
def close_up(route: str, period: str) -> CloseUp:
    """The page of `route` (a URL name, or what stands for none) over `period` (a key of perf.periods.PERIODS)."""
    route = route.replace("\x00", " ")  # no name has one, and PostgreSQL cannot be asked for it
    window = reading.window(period)
    seen = watched_closely(window, route)
    times = times_chart(seen.moments, level=seen.route.budget_seconds)
    return CloseUp(
        period=period,
        window=window,
        seen=seen,
        times=times,
        asked=requests_chart(seen.moments),
        examples=exemplars.of(route, window),
        findings=[one for one in findings(window) if one.subject == route and one.kind != "budget"],
    )
