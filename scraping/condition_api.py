"""How platforms are and how fresh accounts are, as an API: read both, end a pause, try a job again."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema, Status
from ninja.errors import HttpError

from accounts.platforms import PLATFORMS
from perf.access import requires
from perf.answers import Page, Refusal
from perf.pagination import page_number, page_size, paginate
from perf.rates import rated
from scraping import board, freshness, ledger, pauses
from scraping.condition import Condition, conditions
from scraping.models import ScrapeJob
from scraping.tasks import wake

router = Router(tags=["scrapes"])
PER_PAGE, MAX_PER_PAGE = 50, 200


class Window(Schema):
    """The fullest of a platform's quota windows."""

    used: int
    calls: int
    left: int
    free_at: dt.datetime


class Health(Schema):
    """How a platform is. `share` of good tries is null before the first of the last day; `todo` is for a person."""

    platform: str
    state: str
    why: str
    until: dt.datetime | None
    todo: str
    tries: int
    good: int
    share: float | None
    failures_in_a_row: int
    accounts: int | None = None
    due: int | None = None
    quota: Window | None = None
    median_seconds: float | None = None


class Share(Schema):
    """How many active accounts of a tier have a figure as new as promised."""

    tier: str
    platform: str
    hours: int
    accounts: int
    inside: int
    outside: int


class Freshness(Schema):
    """The promise per tier, and the same per platform."""

    tiers: list[Share]
    platforms: list[Share]


class Late(Schema):
    """An account outside its promise; `seen_at` is null where it was never seen."""

    platform: str
    handle: str
    tier: str
    seen_at: dt.datetime | None
    why: str
    until: dt.datetime | None


class LatePage(Page):
    """A page of late accounts, longest unseen first."""

    data: list[Late]


class LateFilters(Schema):
    """Which late accounts; a tier is core, active or rest."""

    tier: str = ""
    platform: str = ""
    page: str = "1"
    per_page: str = ""
    after: str = ""


class Retried(Schema):
    """The run that tells how the new try goes, at /api/scrapes/<run>."""

    run: int


@router.get("/platforms", response=list[Health], summary="How each platform is")
@requires("scraping.view_scraperun")
def platforms(request: HttpRequest) -> list[dict[str, Any]]:
    """Every platform with active accounts: state and why, until when it rests, quota, work and pace."""
    return [
        _health(row.platform.name, row.condition)
        | {"accounts": row.accounts, "due": row.jobs.get("due", 0), "median_seconds": row.median_seconds}
        | {"quota": _window(row.quota) if row.quota else None}
        for row in board.platform_rows()
    ]


@router.post("/platforms/{platform}/resume", response=Health, summary="End a platform's pause")
@requires("scraping.request_scrape")
def resume(request: HttpRequest, platform: str) -> dict[str, Any]:
    """Say that the cause is gone. If it is not, the platform pauses again by itself."""
    if platform not in PLATFORMS:
        raise HttpError(404, f"There is no platform {platform[:40]!r}.")
    pauses.resume(platform, request.user)
    wake()
    return _health(platform, conditions([platform])[platform])


@router.post("/jobs/{pk}/retry", response={202: Retried, 409: Refusal}, summary="Try a job again now")
@requires("scraping.request_scrape")
@rated("scrapes")
def retry(request: HttpRequest, pk: int) -> Status:
    """Ask for the account of a job that ended again. 409 while the job waits or is being fetched."""
    try:
        run = ledger.retry(get_object_or_404(ScrapeJob.objects.visible_to(request.user), pk=pk), request.user)
    except ledger.Refused as refused:
        raise HttpError(409, str(refused)) from refused
    wake()
    return Status(202, {"run": run.pk})


@router.get("/freshness", response=Freshness, summary="Who has a figure as new as promised")
@requires("scraping.view_scraperun")
def promise(request: HttpRequest) -> dict[str, Any]:
    """The share of accounts inside the promise, per tier, and per tier and platform."""
    found = freshness.shares()
    return {"tiers": [_share(one) for one in freshness.by_tier(found)], "platforms": [_share(one) for one in found]}


@router.get("/freshness/late", response=LatePage, exclude_unset=True, summary="Late accounts")
@requires("scraping.view_scraperun", "accounts.view_account")
def late(request: HttpRequest, filters: Query[LateFilters]) -> dict[str, Any]:
    """The accounts outside their promise, each with why and until when it waits."""
    if filters.tier not in ("", *freshness.Tier.values) or filters.platform not in ("", *PLATFORMS):
        raise HttpError(400, f"A tier is one of {', '.join(freshness.Tier.values)}; a platform has its stored name.")
    page = paginate(
        freshness.outside(filters.tier, filters.platform),
        order=freshness.LATE_ORDER,
        page=page_number(filters.page),
        per_page=page_size(filters.per_page, PER_PAGE, MAX_PER_PAGE),
        after=filters.after,
    )
    found = list(page.object_list)
    return page.envelope(
        [_late(row) for row in freshness.explained(found, conditions({row.platform for row in found}))]
    )


def _health(platform: str, condition: Condition) -> dict[str, Any]:
    share = round(condition.good / condition.tries, 4) if condition.tries else None
    names = ("why", "until", "todo", "tries", "good")
    found = {name: getattr(condition, name) for name in names}
    state = condition.state.value
    return found | {"platform": platform, "state": state, "share": share, "failures_in_a_row": condition.in_a_row}


def _window(quota: Any) -> dict[str, Any]:
    return {name: getattr(quota, name) for name in ("used", "calls", "left", "free_at")}


def _share(share: freshness.Share) -> dict[str, Any]:
    names = ("hours", "accounts", "inside", "outside")
    platform = share.platform.name if share.platform else ""
    return {name: getattr(share, name) for name in names} | {"tier": share.tier.value, "platform": platform}


def _late(row: freshness.Late) -> dict[str, Any]:
    return {
        "platform": row.account.platform,
        "handle": row.account.handle,
        "tier": row.tier.value,
        "seen_at": row.seen_at,
        "why": row.why,
        "until": row.until,
    }
