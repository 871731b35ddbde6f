"""Gathering from platforms with ids, keys and hosts of their own, over real HTTP against the fake platforms."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest

from accounts.models import Account
from perf import clock
from scraping import ledger
from scraping.fakes import curves
from scraping.gather import gather
from scraping.models import JobState, ScrapeJob
from scraping.outcomes import OK
from snapshots.models import Snapshot
from tests.factories import account

RENAMED = [("bluesky", "nasa.bsky.social", "moved-nasa.bsky.social")]


@pytest.fixture(autouse=True)
def _gathering(db: None, fakes: Any) -> None:
    """The fake platforms, and a database to gather into."""


def scrape(*accounts: Account) -> None:
    ledger.request_scrape(Account.objects.filter(pk__in=[one.pk for one in accounts]), None)
    for platform in {one.platform for one in accounts}:
        gather(platform, monotonic() + 30)


def outcome(one: Account) -> tuple[str, str]:
    job = ScrapeJob.objects.filter(account=one).latest("id")
    return job.state, job.outcome


@pytest.mark.parametrize(("platform", "handle", "moved"), RENAMED, ids=lambda value: value)
def test_account_follows_its_id_to_a_new_handle_with_its_history(
    fakes: Any, platform: str, handle: str, moved: str
) -> None:
    one = account(platform, handle)
    scrape(one)
    fakes.fault("renamed", platform, handle)
    scrape(one)
    one.refresh_from_db()
    assert (outcome(one), one.handle) == ((JobState.DONE, OK), moved)
    assert [row.handle for row in one.former_handles.all()] == [handle]
    truth = curves.figures(platform, handle, clock.today())["followers"]
    assert [shot.followers for shot in Snapshot.objects.filter(account=one)] == [truth]
