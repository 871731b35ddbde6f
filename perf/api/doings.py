"""What tasks, outgoing calls and browsers did, as JSON."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from perf import reading
from perf.access import requires
from perf.api.schemas import Asked, Period, Spread, period_data, spread
from perf.calls import platforms
from perf.jobs import ends_by_step, jobs
from perf.models.page_views import TIMED
from perf.page_times import pages

router = Router()


class TaskOut(Schema):
    """One task of one queue, times in seconds.

    `ends` counts how its runs ended: ok, retried, failed, or killed by a time limit or with its worker. `errors` counts
    the classes of errors; those of runs that were killed stand under the queue “(unknown)”.
    """

    task: str
    queue: str
    run: Spread
    wait: Spread
    ends: dict[str, int]
    retries: int
    errors: dict[str, int]
    error_rate: float | None


class EndsOut(Schema):
    """How many runs ended in each way in one step from `at` on; null where nothing was recorded."""

    at: dt.datetime
    ends: dict[str, int] | None


class TasksOut(Period):
    """Every task, the one that took most time first, and all of them step by step."""

    tasks: list[TaskOut]
    steps: list[EndsOut]


class PlatformOut(Schema):
    """Calls to one platform, times in seconds; `wait` until its quota let a ready call go.

    `ends` counts ok (answered below 400) and every trouble by its name; `quota` is the spent share of its fullest
    window as last told, null where there is none.
    """

    platform: str
    calls: Spread
    wait: Spread
    ends: dict[str, int]
    error_rate: float | None
    quota: float | None


class OutgoingOut(Period):
    """Every platform, the most called first."""

    platforms: list[PlatformOut]


class PageOut(Schema):
    """One route's views as browsers timed them, in seconds: until the first byte (`answered`), until its scripts had
    run (`ready`), until everything of the first view was there (`loaded`), until the largest part was painted
    (`painted`), and from the slowest press to its paint (`interaction`).
    """

    route: str
    views: int
    answered: Spread
    ready: Spread
    loaded: Spread
    painted: Spread
    interaction: Spread


class FrontendOut(Period):
    """Every route that browsers told of, the most viewed first."""

    pages: list[PageOut]


@router.get("/performance/tasks", response=TasksOut, summary="What Celery's tasks did")
@requires("perf.view_performance")
def performance_tasks(request: HttpRequest, asked: Query[Asked]) -> dict[str, Any]:
    """Runs, waits, retries and errors of each task and queue."""
    window = reading.window(asked.period)
    names = ("task", "queue", "ends", "retries", "errors", "error_rate")
    return period_data(asked.period, window) | {
        "tasks": [
            {"run": spread(job.runs), "wait": spread(job.waits), **{name: getattr(job, name) for name in names}}
            for job in jobs(window)
        ],
        "steps": [{"at": at, "ends": ends} for at, ends in ends_by_step(window)],
    }


@router.get("/performance/outgoing", response=OutgoingOut, summary="What calls to platforms did")
@requires("perf.view_performance")
def performance_outgoing(request: HttpRequest, asked: Query[Asked]) -> dict[str, Any]:
    """Times, waits and ends of calls by platform."""
    window = reading.window(asked.period)
    found = [
        {
            "platform": one.name,
            "calls": spread(one.calls),
            "wait": spread(one.waits),
            "ends": one.ends,
            "error_rate": one.error_rate,
            "quota": one.quota,
        }
        for one in platforms(window)
    ]
    return period_data(asked.period, window) | {"platforms": found}


@router.get("/performance/frontend", response=FrontendOut, summary="How long pages took in browsers")
@requires("perf.view_performance")
def performance_frontend(request: HttpRequest, asked: Query[Asked]) -> dict[str, Any]:
    """Times of views by route."""
    window = reading.window(asked.period)
    found = [
        {"route": page.route, "views": page.views, **{what: spread(page.times[what]) for what in TIMED}}
        for page in pages(window)
    ]
    return period_data(asked.period, window) | {"pages": found}
