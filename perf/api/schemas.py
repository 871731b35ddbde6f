"""Shapes that several of the performance operations share, and how they are filled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

from ninja import Schema

from perf.histograms import Histogram
from perf.reading import Window
from perf.routes import Moment, Requests


class Asked(Schema):
    """Which period: up to now, in whole minutes, hours or days."""

    period: Literal["1h", "24h", "7d", "30d", "1y"] = "24h"


class Period(Schema):
    """Figures from `since` until before `until`; the last `step` is still running."""

    period: str
    since: dt.datetime
    until: dt.datetime
    step: str


class Spread(Schema):
    """How values lie: quantiles are right to 2 %, all others exact; null when there are none."""

    count: int
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    most: float | None


class RequestsOut(Schema):
    """Requests: `failed` were answered 5xx, `refused` 4xx. Times in seconds; bytes of answers that do not stream."""

    requests: int
    failed: int
    refused: int
    time: Spread
    database: Spread
    cache: Spread
    queries: Spread
    bytes: Spread


class MomentOut(Schema):
    """The requests of one step from `at` on; all null where nothing was recorded, which is not none."""

    at: dt.datetime
    requests: int | None
    failed: int | None
    refused: int | None
    p50: float | None
    p95: float | None
    p99: float | None


def period_data(period: str, window: Window) -> dict[str, Any]:
    """Period, as a part of an answer."""
    return {"period": period, "since": window.start, "until": window.end, "step": window.step}


def spread(values: Histogram) -> dict[str, Any]:
    """Spread of `values`."""
    most = values.most if values.count else None
    found = {"p50": values.p50, "p95": values.p95, "p99": values.p99}
    return {"count": values.count, "mean": values.mean, **found, "most": most}


def requests_data(requests: Requests) -> dict[str, Any]:
    """RequestsOut of `requests`."""
    return {
        "requests": requests.count,
        "failed": requests.failed,
        "refused": requests.refused,
        "time": spread(requests.times),
        "database": spread(requests.database),
        "cache": spread(requests.cache),
        "queries": spread(requests.queries),
        "bytes": spread(requests.bytes),
    }


def moments_data(moments: Sequence[tuple[dt.datetime, Moment | None]]) -> list[dict[str, Any]]:
    """MomentOut of each step."""
    return [
        {
            "at": at,
            "requests": moment and moment.times.count,
            "failed": moment and moment.failed,
            "refused": moment and moment.refused,
            **{name: getattr(moment.times, name) if moment else None for name in ("p50", "p95", "p99")},
        }
        for at, moment in moments
    ]
