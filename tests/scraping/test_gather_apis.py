"""Gathering from platforms with ids, keys and hosts of their own, over real HTTP against the fake platforms."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest

from accounts.models import Account
from perf import clock, reading, storing
from scraping import ledger, quotas
from scraping.board import quotas_of
from scraping.connectors.base import Missing
from scraping.fakes import curves
from scraping.gather import gather
from scraping.models import JobState, PermitBlock, PlatformState, ScrapeJob
from scraping.outcomes import OK, Waiting
from snapshots.models import Snapshot
from tests.factories import account

RENAMED = [
    ("bluesky", "nasa.bsky.social", "moved-nasa.bsky.social"),
    ("mastodon", "press@example.org", "moved_press@example.org"),
    ("github", "cdcgov", "moved-cdcgov"),
    ("reddit", "askscience", "moved_askscience"),
    ("tiktok", "account", "moved_account"),
]


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


def test_server_that_wants_a_token_fails_its_accounts_and_pauses_nothing(fakes: Any) -> None:
    fakes.fault("forbidden", "mastodon", "closed.example.org")
    closed, opened = account("mastodon", "press@closed.example.org"), account("mastodon", "press@example.org")
    scrape(closed, opened)
    assert [outcome(closed), outcome(opened)] == [(JobState.FAILED, Missing.WANTS_TOKEN), (JobState.DONE, OK)]
    assert "signed in" in closed.scrape_attempts.get().detail
    assert not PlatformState.objects.paused().exists()


def test_server_that_asks_to_slow_down_rests_alone(fakes: Any) -> None:
    fakes.fault("rate_limit", "mastodon", "busy.example.org", value=90)
    busy, calm = account("mastodon", "press@busy.example.org"), account("mastodon", "press@example.org")
    scrape(busy, calm)
    assert [outcome(busy), outcome(calm)] == [(JobState.DUE, "rate_limited"), (JobState.DONE, OK)]
    paused = PlatformState.objects.paused().get()
    assert (paused.platform, paused.host, paused.why) == ("mastodon", "busy.example.org", Waiting.RATE_LIMITED)


@pytest.fixture
def tokens(settings: Any) -> None:
    settings.PLATFORM_TOKENS = settings.PLATFORM_TOKENS | {"tiktok": "first=act.first,second=act.second,worn=nobodys"}


def test_every_account_is_asked_for_with_its_own_token_under_a_limit_of_its_own(fakes: Any, tokens: None) -> None:
    handles = ["first", "second", "worn", "without"]
    first, second, worn, without = (account("tiktok", handle) for handle in handles)
    scrape(first, second, worn, without)
    assert [outcome(one) for one in (first, second)] == [(JobState.DONE, OK)] * 2
    assert [outcome(one) for one in (worn, without)] == [(JobState.FAILED, Missing.WANTS_TOKEN)] * 2
    assert "without=token" in without.scrape_attempts.get().detail
    assert not PlatformState.objects.paused().exists()
    granted = PermitBlock.objects.filter(platform="tiktok")
    assert len(set(granted.values_list("credential", flat=True))) == len(granted) == 3
    assert [row["requests"] for row in fakes.served("tiktok")] == [1, 1]


@pytest.mark.parametrize(("token", "calls"), [("", 60), ("github-token", 900)])
def test_limit_that_counts_and_is_shown_depends_on_the_token(settings: Any, token: str, calls: int) -> None:
    settings.PLATFORM_TOKENS = {"github": token}
    one = account("github", "cdcgov")
    scrape(one)
    assert (outcome(one), quotas_of(["github"])["github"].calls) == ((JobState.DONE, OK), calls)
    quotas.tell()
    storing.keep()
    told = reading.levels("outgoing.quota", reading.window("1h"), platform="github")
    assert [points[-1][1] for points in told.values()] == [quotas_of(["github"])["github"].share]


def test_sixty_calls_an_hour_are_all_that_is_made_without_a_token(fakes: Any, settings: Any) -> None:
    settings.PLATFORM_TOKENS = {}
    scrape(*(account("github", f"name{n}") for n in range(61)))
    assert [(row["requests"], row["refused"]) for row in fakes.served("github")] == [(60, 0)]
    assert PlatformState.objects.paused().get().why == Waiting.QUOTA


def test_platform_with_a_limit_per_account_or_host_shows_no_single_quota(tokens: None) -> None:
    scrape(account("tiktok", "first"), account("mastodon", "press@example.org"))
    assert quotas_of(["tiktok", "mastodon"]) == {}
