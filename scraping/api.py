"""Scrapes as an API: ask for one, see how far it is, steer it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Literal

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from accounts.models import Account
from accounts.platforms import PLATFORMS
from perf.access import requires
from perf.answers import Page, Refusal
from perf.pagination import page_number, page_size, paginate
from perf.rates import rated
from scraping import ledger
from scraping.models import JobState, ScrapeJob, ScrapeRun
from scraping.naming import NAMED_AT_ONCE, UnknownAccounts, accounts_named
from scraping.outcomes import label
from scraping.tasks import wake

router = Router(tags=["scrapes"])
PER_PAGE, MAX_PER_PAGE = 25, 100


class ScrapeIn(Schema):
    """What to scrape: everything, one `platform`, or `accounts` written as platform/handle.

    `mode` full waits as long as it takes; fast skips what would wait longer than a minute; demo takes five accounts
    and skips what would wait longer than half a minute.
    """

    scope: Literal["all", "platform", "accounts"]
    mode: Literal["full", "fast", "demo"] = "full"
    platform: str = ""
    accounts: list[str] = Field(default=[], max_length=NAMED_AT_ONCE)


class Run(Schema):
    """A run and how far it is; speed and time left are null while unknown. `done` counts jobs that ended.

    `left_out` counts accounts on hold that it did not ask for, `moved` jobs that went on in another run.
    """

    id: int
    kind: str
    scope: str
    mode: str
    left_out: int
    moved: int
    platform: str
    requested_by: str | None
    state: str
    created_at: dt.datetime
    finished_at: dt.datetime | None
    percent: int
    done: int
    total: int
    jobs: dict[str, int]
    per_minute: float | None
    eta_seconds: int | None


class Waiting(Schema):
    """Jobs of a platform that wait, why, and until when the first of them."""

    platform: str
    reason: str
    label: str
    until: dt.datetime
    jobs: int


class Failure(Schema):
    """Jobs of a platform that ended without a figure, and why."""

    platform: str
    reason: str
    label: str
    jobs: int


class RunDetail(Run):
    """A run with what waits and what failed."""

    waiting: list[Waiting]
    failures: list[Failure]


class Runs(Page):
    """A page of runs, newest first."""

    data: list[Run]


class RunFilters(Schema):
    """Which runs; junk in `page` or `per_page` means the default."""

    state: Literal["", "running", "paused", "done", "cancelled"] = ""
    kind: Literal["", "planned", "requested", "demo"] = ""
    platform: str = Field(default="", pattern=r"^[^\x00]*$")  # PostgreSQL cannot be asked for a NUL
    page: str = "1"
    per_page: str = ""
    after: str = ""


@router.get("/scrapes", response=Runs, exclude_unset=True, summary="Runs, newest first")
@requires("scraping.view_scraperun")
def runs(request: HttpRequest, filters: Query[RunFilters]) -> dict[str, Any]:
    """A page of runs with their progress."""
    chosen = {name: value for name in ("state", "kind", "platform") if (value := getattr(filters, name))}
    page = paginate(
        ScrapeRun.objects.visible_to(request.user).filter(**chosen).for_runs_page(),
        order=("-created_at", "-id"),
        page=page_number(filters.page),
        per_page=page_size(filters.per_page, PER_PAGE, MAX_PER_PAGE),
        after=filters.after,
    )
    return page.envelope([_run(run) for run in page.object_list])


@router.post("/scrapes", response={202: Run}, summary="Scrape now")
@requires("scraping.request_scrape")
@rated("scrapes")
def start(request: HttpRequest, wanted: ScrapeIn) -> Status:
    """Promise a scrape ahead of the plan; the answer's `id` tells how far it is at /api/scrapes/<id>."""
    accounts = _accounts(Account.objects.visible_to(request.user), wanted)
    platform = wanted.platform if wanted.scope == "platform" else ""
    try:
        with transaction.atomic():
            asked = {"scope": wanted.scope, "platform": platform, "mode": wanted.mode}
            run = ledger.request_scrape(accounts, request.user, **asked)
            wake()
    except ledger.Refused as refused:
        raise HttpError(400, str(refused)) from refused
    return Status(202, _run(_found(request, run.pk)))


@router.get("/scrapes/{pk}", response=RunDetail, summary="How far a run is")
@requires("scraping.view_scraperun")
def run(request: HttpRequest, pk: int) -> dict[str, Any]:
    """Progress, speed, time left, what waits until when, and what ended without a figure."""
    found = _found(request, pk)
    jobs = ScrapeJob.objects.filter(runjob__run=found)
    return _run(found) | {
        "waiting": [row | {"reason": row["why"], "label": label(row["why"])} for row in jobs.waiting()],
        "failures": [row | {"reason": row["outcome"], "label": label(row["outcome"])} for row in jobs.without_figure()],
    }


@router.post("/scrapes/{pk}/cancel", response={200: Run, 409: Refusal}, summary="Cancel a run")
@requires("scraping.request_scrape")
def cancel(request: HttpRequest, pk: int) -> dict[str, Any]:
    """Drop what only this run still waits for; stored figures stay. 409 when it is over already."""
    return _steer(request, pk, ledger.cancel)


@router.post("/scrapes/{pk}/pause", response={200: Run, 409: Refusal}, summary="Pause a run")
@requires("scraping.request_scrape")
def pause(request: HttpRequest, pk: int) -> dict[str, Any]:
    """Fetch nothing more of this run until it is resumed. 409 unless it is running."""
    return _steer(request, pk, ledger.pause)


@router.post("/scrapes/{pk}/resume", response={200: Run, 409: Refusal}, summary="Resume a paused run")
@requires("scraping.request_scrape")
def resume(request: HttpRequest, pk: int) -> dict[str, Any]:
    """Go on with a paused run. 409 unless it is paused."""
    answer = _steer(request, pk, ledger.resume)
    wake()
    return answer


def _steer(request: HttpRequest, pk: int, act: Callable[..., object]) -> dict[str, Any]:
    try:
        act(_found(request, pk), request.user)
    except ledger.Refused as refused:
        raise HttpError(409, str(refused)) from refused
    return _run(_found(request, pk))


def _found(request: HttpRequest, pk: int) -> ScrapeRun:
    return get_object_or_404(ScrapeRun.objects.visible_to(request.user).for_runs_page(), pk=pk)


def _accounts(accounts: QuerySet[Account], wanted: ScrapeIn) -> QuerySet[Account]:
    """The accounts that a request names; HttpError 400 names what is unknown."""
    if wanted.scope == "all":
        return accounts
    if wanted.scope == "platform":
        if wanted.platform not in PLATFORMS:
            raise HttpError(400, f"There is no platform {wanted.platform!r}.")
        return accounts.filter(platform=wanted.platform)
    try:
        return accounts_named(accounts, wanted.accounts)
    except UnknownAccounts as unknown:
        raise HttpError(400, str(unknown)) from unknown


def _run(run: ScrapeRun) -> dict[str, Any]:
    """A run from `for_runs_page()` as the API shows it."""
    return {
        "id": run.pk,
        "kind": run.kind,
        "scope": run.scope,
        "mode": run.mode,
        "left_out": run.left_out,
        "moved": run.moved,
        "platform": run.platform,
        "requested_by": run.requested_by.get_username() if run.requested_by else None,
        "state": run.state,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "percent": run.percent,
        "done": run.closed_jobs,
        "total": run.total_jobs,
        "jobs": {state: getattr(run, f"{state}_jobs") for state in JobState.values},
        "per_minute": round(run.per_minute, 1) if run.per_minute else None,
        "eta_seconds": round(run.eta.total_seconds()) if run.eta is not None else None,
    }
