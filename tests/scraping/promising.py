"""Promises and what came of them, as tests of the ledger make them. For tests only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from accounts.models import Account
from perf import clock
from scraping import ledger
from scraping.connectors.base import Reading
from scraping.models import ScrapeJob, ScrapeRun
from scraping.results import Result, Try


def request(*accounts: Account, by: Any = None) -> ScrapeRun:
    """A run that scrapes `accounts` now."""
    return ledger.request_scrape(Account.objects.filter(pk__in=[one.pk for one in accounts]), by)


def tried(outcome: str = "ok") -> Try:
    """One quick call."""
    return Try("read", clock.now(), 0.1, outcome, 200)


def read(job: ScrapeJob, followers: int = 1_000) -> Result:
    """The result of a job that found so many followers."""
    return Result(job, "ok", [tried()], Reading(followers=followers))


def outlive_leases() -> Any:
    """A time in which every lease made before has run out."""
    return clock.shifted(timedelta(minutes=10))
