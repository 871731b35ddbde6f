"""Sweeping and steering: jobs of the dead come back, runs are cancelled, and both say how far they are."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Account
from perf import clock
from scraping import ledger, settling
from scraping.connectors.base import Missing
from scraping.models import JobState, ScrapeJob, ScrapeRun
from scraping.outcomes import MAX_WORKER_DEATHS, Ended
from scraping.results import Result
from snapshots.models import Snapshot
from tests.factories import account, user
from tests.scraping.promising import read, request, tried

both = pytest.mark.both_dbs
DAY = date(2026, 11, 20)


@both
def test_a_dead_workers_jobs_come_back_until_they_seem_to_kill(db: None) -> None:
    run = request(account())
    for death in range(MAX_WORKER_DEATHS):
        with clock.shifted(timedelta(minutes=10 * death)):
            assert len(ledger.claim("x", 1)) == 1
            assert ledger.sweep() == 0
        with clock.shifted(timedelta(minutes=10 * (death + 1))):
            assert ledger.sweep() == 1
    job = ScrapeJob.objects.get()
    assert (job.state, job.outcome, job.worker_deaths) == (JobState.DEAD, Ended.WORKER_DIED, MAX_WORKER_DEATHS)
    assert job.finished_at is not None
    run.refresh_from_db()
    assert run.state == ScrapeRun.State.DONE


def test_cancelling_drops_what_no_other_run_wants(db: None) -> None:
    run = request(account(), shared := account())
    other = request(shared)
    claimed = ledger.claim("x", 5)
    assert ledger.cancel(run, user("editor")) == 1
    assert settling.settle([read(job) for job in claimed]) == 1
    assert Snapshot.objects.get().account == shared
    other.refresh_from_db()
    run.refresh_from_db()
    assert (run.state, other.state) == (ScrapeRun.State.CANCELLED, ScrapeRun.State.DONE)
    with pytest.raises(ledger.Refused, match="cancelled"):
        ledger.cancel(run, None)


@both
def test_progress_counts_every_state_in_one_query(db: None, django_assert_num_queries: Any) -> None:
    run = request(*(account() for _ in range(5)))
    first, second, _ = ledger.claim("x", 3)
    settling.settle([read(first), Result(second, Missing.UNPARSABLE, [tried()])])
    with django_assert_num_queries(1):
        seen = ScrapeRun.objects.for_runs_page().get(pk=run.pk)
    assert (seen.total_jobs, seen.done_jobs, seen.failed_jobs, seen.leased_jobs, seen.due_jobs) == (5, 1, 1, 1, 2)
    assert seen.percent == 40
    assert seen.eta is not None
    assert seen.eta > timedelta(0)


@both
def test_a_plans_speed_is_that_of_its_night_not_of_the_hours_before(db: None) -> None:
    run = request(account("x"), account("x"))
    ScrapeRun.objects.update(created_at=clock.now() - timedelta(hours=2))
    [job] = ledger.claim("x", 1)
    settling.settle([read(job)])
    ScrapeJob.objects.filter(pk=job.pk).update(started_at=clock.now() - timedelta(minutes=1))
    seen = ScrapeRun.objects.progress().get(pk=run.pk)
    assert seen.per_minute == pytest.approx(1, rel=0.2)
    assert seen.eta.total_seconds() == pytest.approx(60, rel=0.2)


def test_a_waiting_job_says_why_and_until_when(db: None) -> None:
    from scraping import pauses

    request(one := account())
    until = clock.now() + timedelta(hours=1)
    pauses.pause("x", until, "quota")
    job = ScrapeJob.objects.with_reasons().get(account=one)
    assert job.why == "quota"
    assert abs(job.waits_until - until) < timedelta(seconds=1)
    assert ledger.claim("x", 1) == []
    with clock.shifted(timedelta(hours=2)):
        assert ScrapeJob.objects.with_reasons().get(account=one).why == ""
        assert len(ledger.claim("x", 1)) == 1


def while_another_asks(act: Any, *accounts: Account) -> ScrapeRun:
    """The run of a request that is being made for `accounts` while `act` begins; both are over when this returns."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            asked = request(*accounts)
            acting = pool.submit(run)
            time.sleep(0.5)
        acting.result()
    return asked


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_cancelling_drops_nothing_that_is_being_asked_for_at_the_moment() -> None:
    first = request(one := account())
    asked = while_another_asks(lambda: ledger.cancel(first, None), one)
    assert ScrapeJob.objects.get(account=one).state == JobState.DUE
    assert list(asked.jobs.values_list("account", flat=True)) == [one.pk]
