"""A worker's turn at a platform: what is promised, done and true. For tests only."""

from __future__ import annotations

from time import monotonic

from accounts.models import Account
from perf import clock
from scraping import ledger
from scraping.fakes import curves
from scraping.gather import gather
from scraping.models import ScrapeJob, ScrapeRun


def request(*accounts: Account) -> ScrapeRun:
    """Promise a scrape of `accounts`."""
    return ledger.request_scrape(Account.objects.filter(pk__in=[one.pk for one in accounts]), None)


def turn(platform: str, seconds: float = 30) -> int:
    """A worker's turn at `platform`; how many jobs it ended."""
    return gather(platform, monotonic() + seconds)


def outcome(one: Account) -> tuple[str, str]:
    """State and outcome of an account's last job."""
    job = ScrapeJob.objects.filter(account=one).latest("id")
    return job.state, job.outcome


def truth(one: Account) -> int:
    """What the fake platform says today."""
    followers = curves.figures(one.platform, one.handle, clock.today())["followers"]
    assert isinstance(followers, int)
    return followers
