"""The freshness promise: who is inside it, who is outside, and why."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Account
from perf import clock
from scraping import freshness, ledger
from scraping.condition import conditions
from scraping.models import JobState, PlatformState, Recheck, ScrapeJob
from snapshots.models import LatestSnapshot
from snapshots.recording import Sighting, record
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


@pytest.fixture(autouse=True)
def _credentials(settings: Any) -> None:
    settings.PLATFORM_TOKENS = {"x": "token", "youtube": "key"}


def account(hours: float | None, platform: str = "x", **fields: Any) -> Account:
    """An account last seen `hours` ago; None: never."""
    made = factories.account(platform, **fields)
    if hours is not None:
        at = clock.now() - timedelta(hours=hours)
        record([Sighting(made.pk, at.date(), at, "observed", followers=10)], at=at)
    return made


def moving(of: Account) -> None:
    """Let its followers have changed within a week."""
    LatestSnapshot.objects.filter(account=of).update(change_7=-5)


def whys() -> dict[str, str]:
    rows = list(freshness.outside())
    late = freshness.explained(rows, conditions({row.platform for row in rows}))
    return {one.account.handle: one.why for one in late}


def test_each_tier_is_held_to_its_own_hours() -> None:
    account(23, is_core=True), account(25, is_core=True)
    moving(account(47)), moving(account(49))
    account(71), account(73), account(None)
    found = {share.tier: (share.hours, share.inside, share.outside) for share in freshness.by_tier(freshness.shares())}
    assert found == {"core": (24, 1, 1), "active": (48, 1, 1), "rest": (72, 1, 2)}


def test_the_hours_are_settings(settings: Any) -> None:
    account(25, is_core=True)
    settings.FRESHNESS_HOURS = {"core": 26, "active": 48, "rest": 72}
    assert freshness.shares()[0].inside == 1


def test_shares_are_told_per_platform_and_inactive_accounts_count_nowhere() -> None:
    account(1), account(100, "youtube"), account(100, is_active=False)
    found = {share.platform.name: (share.inside, share.accounts) for share in freshness.shares() if share.platform}
    assert found == {"x": (1, 1), "youtube": (0, 1)}


def test_an_unpublished_figure_is_not_fresh() -> None:
    made = account(80)
    record([Sighting(made.pk, clock.today(), clock.now(), "observed", followers=90_000)])
    assert freshness.shares()[0].outside == 1


def test_the_late_are_listed_longest_unseen_first_and_narrowed() -> None:
    late, never, core, tube = account(80), account(None), account(30, is_core=True), account(90, "youtube")
    assert list(freshness.outside()) == [never, tube, late, core]
    assert list(freshness.outside("core")) == [core]
    assert list(freshness.outside("rest", "youtube")) == [tube]


def test_every_late_account_says_why() -> None:
    names = ("quota", "gone", "ours", "fetching", "unplanned")
    made = {name: account(80, handle=name) for name in names}
    account(80, "reddit", handle="off")
    for name in ("quota", "gone", "fetching"):
        ledger.request_scrape(Account.objects.filter(pk=made[name].pk), None)
    jobs = ScrapeJob.objects
    jobs.filter(account=made["quota"]).update(outcome="quota", due_at=clock.now() + timedelta(hours=1))
    jobs.filter(account=made["gone"]).update(state=JobState.DONE, outcome="not_found", finished_at=clock.now())
    jobs.filter(account=made["fetching"]).update(state=JobState.LEASED, lease_until=clock.now() + timedelta(hours=1))
    Account.objects.hold([made["ours"].pk], "reassigned")
    found = whys()
    assert found.pop("off")
    assert found == {
        "quota": "Waiting for the platform's quota",
        "gone": "No such profile",
        "ours": "The handle now belongs to somebody else",
        "fetching": "Being fetched now",
        "unplanned": "Not planned yet",
    }


def test_a_platform_at_rest_says_until_when_its_accounts_wait() -> None:
    account(80)
    until = clock.now() + timedelta(minutes=7)
    PlatformState.objects.create(platform="x", paused_until=until, why="rate_limited")
    (late,) = freshness.explained(list(freshness.outside()), conditions(["x"]))
    assert (late.why, late.until) == ("The platform asked us to slow down", until)


def test_an_account_that_is_asked_for_rarely_says_since_when_and_when_again() -> None:
    made = account(80, handle="gone")
    ledger.request_scrape(Account.objects.filter(pk=made.pk), None)
    ScrapeJob.objects.update(state=JobState.DONE, outcome="not_found", finished_at=clock.now())
    Recheck.objects.note({made.pk: ("not_found", date(2026, 11, 1))})
    assert whys() == {"gone": "No such profile, since 1 Nov 2026; asked again on 2 Nov 2026"}


def test_shares_cost_one_query(django_assert_num_queries: Any) -> None:
    account(1), account(None, "youtube")
    with django_assert_num_queries(1):
        freshness.by_tier(freshness.shares())
