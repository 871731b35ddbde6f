"""The forecast as an API: what a day's plan needs of each platform's limits and money."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from perf.access import requires
from scraping.advice import advice, summary
from scraping.forecasting import NotAhead, forecast

router = Router(tags=["scrapes"])


class Limit(Schema):
    """One limit: of a credential (the start of its hash) or a host. `left`: accounts not read that day, by rank."""

    host: str
    credential: str
    accounts: int
    calls: int
    calls_a_day: int | None
    spent: int
    late: int
    left: dict[str, int]


class Money(Schema):
    """US dollars: the month's budget (null: not set), what is spent of it, and what the plan and the month take."""

    budget: float | None
    spent: float
    plan: float
    month: float
    days: int
    days_covered: int


class Platform(Schema):
    """One platform's part of the plan. `off` says why it is not read; `unasked` accounts need no call."""

    platform: str
    off: str
    accounts: int
    unasked: int
    calls: int
    learning: int
    repeated: int
    quota_share: float | None
    least_minutes: float
    ends: dt.datetime | None
    late: int
    left: dict[str, int]
    fits: bool
    money: Money | None
    limits: list[Limit]
    advice: list[str]


class Capacity(Schema):
    """A day's plan against the limits; `summary` and `advice` are sentences for people."""

    day: dt.date
    start: dt.datetime
    window_end: dt.datetime
    fits: bool
    summary: str
    platforms: list[Platform]


class Asked(Schema):
    """Which day; tomorrow unless told."""

    day: dt.date | None = Field(None, description="Today or later.")


@router.get("/capacity", response=Capacity, summary="What a day's plan needs and what will not fit")
@requires("scraping.view_scraperun")
def capacity(request: HttpRequest, asked: Query[Asked]) -> dict[str, Any]:
    """Calls, minutes, share of quota and dollars per platform, and what to do about what will not fit."""
    try:
        made = forecast(asked.day)
    except NotAhead as refusal:
        raise HttpError(400, str(refusal)) from refusal
    data = made.as_data()
    for row, platform in zip(made.platforms, data["platforms"], strict=True):
        platform["advice"] = advice(made, row)
    return data | {"summary": summary(made)}
