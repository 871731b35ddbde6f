"""Jobs that end without a call: unreadable platforms, and runs that do not wait."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Account
from perf import clock
from scraping import giving_up, ledger, pauses
from scraping.connectors import APIS, CONNECTORS, PAGES
from scraping.gather import gather
from scraping.models import JobState, PlatformState, ScrapeJob, ScrapeRun
from scraping.outcomes import Ended, Waiting, label
from scraping.settling import settle
from tests.factories import account
from tests.scraping.promising import read, request

both = pytest.mark.both_dbs
NOW_AND_HERE = "00:00-00:01"


@pytest.fixture
def plan_of_today(db: None, fakes: Any, settings: Any) -> Any:
    """Plans the day, whose window has begun."""
    settings.SCRAPE_WINDOW = NOW_AND_HERE
    return ledger.plan


@both
@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("platform", "why"), [("x", Waiting.NO_CREDENTIAL), ("flickr", Waiting.PAGE_OFF), ("tiktok", "no_connector")]
)
def test_what_cannot_be_read_ends_its_run_and_says_so(
    fakes: Any, settings: Any, monkeypatch: Any, platform: str, why: str
) -> None:
    settings.PLATFORM_TOKENS, settings.SCRAPE_PAGE_PLATFORMS = {}, []
    for registry in (CONNECTORS, APIS, PAGES):
        monkeypatch.delitem(registry, "tiktok", raising=False)
    run = request(account(platform), account(platform))
    assert giving_up.give_up() == 2
    assert set(ScrapeJob.objects.values_list("state", "outcome")) == {(JobState.FAILED, why)}
    run = ScrapeRun.objects.progress().get(pk=run.pk)
    assert (run.state, run.failed_jobs) == (ScrapeRun.State.DONE, 2)
    assert fakes.served(platform) == []
    assert not PlatformState.objects.exists()


def test_a_worker_at_an_unreadable_platform_ends_its_jobs(db: None, fakes: Any, settings: Any) -> None:
    settings.PLATFORM_TOKENS = {}
    request(account("x"))
    assert gather("x", 0) == 1
    assert ScrapeJob.objects.get().outcome == Waiting.NO_CREDENTIAL


def test_a_credential_set_later_brings_the_days_jobs_back(plan_of_today: Any, settings: Any) -> None:
    tokens, settings.PLATFORM_TOKENS = settings.PLATFORM_TOKENS, {}
    account("x"), account("x")
    plan_of_today()
    giving_up.give_up()
    plan_of_today()
    assert not ScrapeJob.objects.open().exists()
    settings.PLATFORM_TOKENS = tokens
    plan_of_today()
    plan_of_today()
    run = ScrapeRun.objects.progress().get()
    assert (run.state, run.due_jobs, run.total_jobs) == (ScrapeRun.State.RUNNING, 2, 2)
    assert len(ledger.claim("x", 5)) == 2


def test_an_account_asked_for_meanwhile_is_not_promised_twice(plan_of_today: Any, settings: Any) -> None:
    tokens, settings.PLATFORM_TOKENS = settings.PLATFORM_TOKENS, {}
    one = account("x")
    plan_of_today()
    giving_up.give_up()
    settings.PLATFORM_TOKENS = tokens
    request(one)
    plan_of_today()
    assert ScrapeJob.objects.open().count() == 1


def test_who_was_read_meanwhile_or_is_on_hold_is_not_promised_again(plan_of_today: Any, settings: Any) -> None:
    tokens, settings.PLATFORM_TOKENS = settings.PLATFORM_TOKENS, {}
    seen, held, gone = account("x"), account("x"), account("x")
    plan_of_today()
    giving_up.give_up()
    settings.PLATFORM_TOKENS = tokens
    request(seen)
    settle([read(job) for job in ledger.claim("x", 1)])
    Account.objects.hold([held.pk], "reassigned")
    Account.objects.filter(pk=gone.pk).update(is_active=False)
    plan_of_today()
    assert not ScrapeJob.objects.open().exists()


def test_more_jobs_than_one_transaction_takes_all_end(db: None, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(giving_up, "CHUNK", 2)
    settings.PLATFORM_TOKENS = {}
    request(*(account("x") for _ in range(5)))
    assert giving_up.end_unreadable("x") == 5


# --- Runs in a hurry


def hurried(*accounts: Account, mode: str = ScrapeRun.Mode.FAST) -> ScrapeRun:
    wanted = Account.objects.filter(pk__in=[one.pk for one in accounts])
    return ledger.request_scrape(wanted, None, mode=mode)


@both
def test_a_fast_run_skips_what_would_wait_for_more_than_a_minute(db: None, fakes: Any) -> None:
    run = hurried(waits := account("x"), account("flickr"))
    pauses.pause("x", clock.now() + timedelta(seconds=90), Waiting.QUOTA)
    assert giving_up.give_up() == 1
    skipped = ScrapeJob.objects.get(account=waits)
    assert (skipped.state, skipped.outcome) == (JobState.CANCELLED, Ended.SKIPPED)
    assert "wait" in label(Ended.SKIPPED)
    run = ScrapeRun.objects.progress().get(pk=run.pk)
    assert (run.state, run.cancelled_jobs, run.due_jobs) == (ScrapeRun.State.RUNNING, 1, 1)


def test_a_fast_run_sits_out_a_shorter_wait_and_a_full_run_any(db: None, fakes: Any) -> None:
    hurried(account("x"))
    pauses.pause("x", clock.now() + timedelta(seconds=50), Waiting.QUOTA)
    request(account("flickr"))
    pauses.pause("flickr", clock.now() + timedelta(hours=5), Waiting.QUOTA)
    assert giving_up.give_up() == 0


@both
def test_what_another_run_waits_for_goes_on_there(db: None, fakes: Any) -> None:
    one = account("x")
    patient, run = request(one), hurried(one)
    pauses.pause("x", clock.now() + timedelta(hours=1), Waiting.QUOTA)
    giving_up.give_up()
    assert ScrapeJob.objects.get().state == JobState.DUE
    run, patient = ScrapeRun.objects.progress().get(pk=run.pk), ScrapeRun.objects.progress().get(pk=patient.pk)
    assert (run.state, run.moved, run.total_jobs) == (ScrapeRun.State.DONE, 1, 0)
    assert (patient.state, patient.due_jobs) == (ScrapeRun.State.RUNNING, 1)


def test_what_a_fast_run_skipped_is_planned_as_ever(plan_of_today: Any) -> None:
    hurried(account("x"))
    pauses.pause("x", clock.now() + timedelta(hours=1), Waiting.QUOTA)
    giving_up.give_up()
    assert plan_of_today() == 1


def test_a_demo_takes_five_accounts_core_accounts_first(db: None) -> None:
    accounts = [account(is_core=n == 7) for n in range(8)]
    run = hurried(*accounts, mode=ScrapeRun.Mode.DEMO)
    assert set(run.jobs.values_list("account", flat=True)) == {one.pk for one in [*accounts[:4], accounts[7]]}


def test_a_run_counts_the_accounts_on_hold_that_it_left_out(db: None) -> None:
    held, free = account(), account()
    Account.objects.hold([held.pk], "reassigned")
    assert request(held, free).left_out == 1
