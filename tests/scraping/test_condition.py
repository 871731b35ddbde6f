"""How platforms are: from their tries, failures in a row, pauses and settings; and what a person is told to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Account
from perf import clock
from scraping import ledger
from scraping.condition import Condition, Pulse, State, banners, conditions, pulses
from scraping.models import Attempt, Heartbeat, PlatformState
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _credentials(settings: Any) -> None:
    settings.PLATFORM_TOKENS = {"x": "token", "youtube": "key"}
    settings.X_MONTHLY_BUDGET_USD = 100


def tried(*outcomes: str, platform: str = "x", ago: timedelta = timedelta(0)) -> None:
    """One try per outcome."""
    account = factories.account(platform)
    ledger.request_scrape(Account.objects.filter(pk=account.pk), None)
    job, at = account.scrape_jobs.get(), clock.now() - ago
    Attempt.objects.bulk_create(
        Attempt(job=job, account=account, platform=platform, step="read", started_at=at, seconds=1, outcome=outcome)
        for outcome in outcomes
    )


def x() -> Condition:
    return conditions(["x"])["x"]


@pytest.mark.parametrize(
    ("good", "bad", "state"),
    [
        (19, 1, State.HEALTHY),
        (94, 6, State.DEGRADED),
        (8, 2, State.DEGRADED),
        (79, 21, State.UNHEALTHY),
        (0, 0, State.UNTRIED),
    ],
)
def test_the_share_of_good_tries_of_a_day_says_how_a_platform_is(good: int, bad: int, state: State) -> None:
    tried(*["ok"] * good, *["timeout"] * bad)
    tried(*["timeout"] * 100, ago=timedelta(hours=25))
    assert x().state is state


def test_an_answer_that_there_is_nothing_to_see_is_a_good_try() -> None:
    tried("hidden", "not_found", "suspended", "ok")
    assert (x().good, x().state) == (4, State.HEALTHY)


@pytest.mark.parametrize(
    ("failures", "state"), [(2, State.HEALTHY), (3, State.UNHEALTHY), (4, State.UNHEALTHY), (5, State.CRITICAL)]
)
def test_failures_in_a_row_outweigh_a_good_day(failures: int, state: State) -> None:
    tried(*["ok"] * 100)
    PlatformState.objects.create(platform="x", circuit=failures)
    assert x().state is state


def test_a_pause_says_until_when_why_and_what_to_do() -> None:
    until = clock.now() + timedelta(minutes=5)
    PlatformState.objects.create(platform="x", paused_until=until, why="dead_token")
    found = x()
    assert (found.state, found.until, found.why) == (State.PAUSED, until, "The credential is no longer accepted")
    assert found.todo == "Set a new X_TOKEN, restart the workers, then resume."


def test_a_pause_that_ends_by_itself_asks_nothing_of_anybody() -> None:
    PlatformState.objects.create(platform="x", paused_until=clock.now() + timedelta(minutes=5), why="rate_limited")
    assert x().todo == ""
    with clock.shifted(timedelta(minutes=6)):
        assert x().state is State.UNTRIED


def test_a_host_at_rest_does_not_stop_its_platform() -> None:
    PlatformState.objects.create(platform="x", host="a.example", paused_until=clock.now() + timedelta(hours=1))
    assert x().state is State.UNTRIED


def test_a_platform_without_a_credential_is_off_and_says_what_to_set(settings: Any) -> None:
    settings.PLATFORM_TOKENS = {}
    assert (x().state, "X_TOKEN" in x().why) == (State.OFF, True)


def test_conditions_of_many_platforms_cost_two_queries(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        conditions(["x", "youtube", "flickr", "reddit"])


def test_processes_are_silent_until_seen_and_again_after_two_minutes() -> None:
    assert [pulse.silent for pulse in pulses()] == [True, True]
    ledger.beat("worker", "beat")
    assert [pulse.silent for pulse in pulses()] == [False, False]
    with clock.shifted(timedelta(minutes=3)):
        assert [pulse.silent for pulse in pulses()] == [True, True]


def test_a_silent_worker_says_since_when_and_how_to_start_one() -> None:
    Heartbeat.objects.create(process="worker", seen_at=clock.now() - timedelta(minutes=12, seconds=5))
    Heartbeat.objects.create(process="beat", seen_at=clock.now())
    (banner,) = banners({}, {}, pulses())
    assert banner.text == "No worker for 12 minutes. Jobs are kept and wait."
    assert banner.todo == "Start one: celery --app project worker."


def test_a_dead_token_is_one_banner_that_can_be_resumed() -> None:
    PlatformState.objects.create(platform="x", paused_until=clock.now() + timedelta(minutes=5), why="dead_token")
    (banner,) = banners(conditions(["x"]), {"x": 412}, [])
    assert banner.text == "X: the credential is no longer accepted. 412 accounts wait; nothing is lost."
    assert banner.platform == "x"


@pytest.mark.parametrize("budget", [None, 0.0])
def test_a_missing_budget_is_said_before_the_first_call(settings: Any, budget: float | None) -> None:
    settings.X_MONTHLY_BUDGET_USD = budget
    said = [banner.todo for banner in banners(conditions(["x"]), {}, [])]
    assert any("Set X_MONTHLY_BUDGET_USD" in todo for todo in said) == (budget is None)


def test_public_pages_that_are_read_carry_their_warning(settings: Any) -> None:
    settings.SCRAPE_PAGE_PLATFORMS = ["flickr"]
    (banner,) = banners(conditions(["flickr", "truth_social"]), {}, [Pulse("worker", clock.now(), silent=False)])
    assert "Flickr are read, which their terms may forbid" in banner.text
