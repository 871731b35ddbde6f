"""Figures about gathering as an API: the same as the metrics page."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from ninja.errors import HttpError

from accounts.platforms import PLATFORMS
from perf.access import requires
from scraping import metrics as figures
from scraping.models import RunTotal
from scraping.outcomes import label

router = Router(tags=["scrapes"])


class MetricsFilters(Schema):
    """Which period, and of which platform; all that have any figures when none is named."""

    period: Literal["24h", "7d", "30d", "90d"] = "24h"
    platform: str = ""


class Times(Schema):
    """Times in seconds; null when nothing was timed. Percentiles are right to a fifth."""

    count: int
    average: float | None
    p50: float | None
    p95: float | None
    slowest: float | None


class Outcome(Schema):
    """How many tries ended alike."""

    reason: str
    label: str
    tries: int


class Endpoint(Times):
    """Response times of one of a platform's endpoints, around the fetch alone, once per account in the call."""

    endpoint: str


class QuotaNow(Schema):
    """The fullest window of the platform's limit at this moment."""

    used: int
    calls: int
    free_at: dt.datetime


class PlatformFigures(Schema):
    """One platform's period. A try is one account asked for once; a call may carry many."""

    platform: str
    tries: int
    succeeded: int
    calls: int
    quota: QuotaNow | None
    outcomes: list[Outcome]
    endpoints: list[Endpoint]
    wait: Times
    run: Times


class RunFigures(Schema):
    """One ended run on one platform; `wait` and `run` are mean seconds."""

    run: int
    platform: str
    accounts: int
    figures: int
    failed: int
    cancelled: int
    wait: float | None
    ran: float | None


class MetricsOut(Schema):
    """Figures in whole hours since `since`; `counted_to` is null when there are none."""

    period: str
    since: dt.datetime
    counted_to: dt.datetime | None
    platforms: list[PlatformFigures]
    runs: list[RunFigures]


@router.get("/scrapes/metrics", response=MetricsOut, summary="Outcomes, times and calls")
@requires("scraping.view_scraperun")
def metrics(request: HttpRequest, filters: Query[MetricsFilters]) -> dict[str, Any]:
    """What came of the tries, response times per endpoint, wait and run per account, calls against quota, runs."""
    if filters.platform and filters.platform not in PLATFORMS:
        raise HttpError(400, f"There is no platform {filters.platform!r}.")
    found = figures.metrics(filters.period, filters.platform)
    return {
        "period": found.period,
        "since": found.since,
        "counted_to": found.counted_to,
        "platforms": [_platform(one) for one in found.platforms],
        "runs": [_run(total) for total in found.runs],
    }


def _platform(one: figures.PlatformMetrics) -> dict[str, Any]:
    quota = one.quota
    return {
        "platform": one.name,
        "tries": one.tries,
        "succeeded": one.succeeded,
        "calls": one.calls,
        "quota": {"used": quota.used, "calls": quota.calls, "free_at": quota.free_at} if quota else None,
        "outcomes": [{"reason": name, "label": label(name), "tries": count} for name, count in one.reasons],
        "endpoints": [{"endpoint": step, **_times(times)} for step, times in one.endpoints.items()],
        "wait": _times(one.wait),
        "run": _times(one.run),
    }


def _times(times: figures.Times) -> dict[str, float | None]:
    slowest = times.slowest if times.count else None
    return {"count": times.count, "average": times.average, "p50": times.p50, "p95": times.p95, "slowest": slowest}


def _run(total: RunTotal) -> dict[str, Any]:
    return {
        "run": total.run_id,
        "platform": total.platform,
        "accounts": total.jobs,
        "figures": total.figures,
        "failed": total.failed,
        "cancelled": total.cancelled,
        "wait": total.waited,
        "ran": total.ran,
    }
