"""Settling: figures, tries and states in one transaction, counted once, for the newest holder of a job alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from perf import clock
from scraping import ledger, settling
from scraping.connectors.base import Missing, Trouble
from scraping.models import JobState, ScrapeJob, ScrapeRun
from scraping.outcomes import MAX_ATTEMPTS, SUSPECT
from scraping.results import Result
from snapshots.models import Snapshot
from tests.factories import account, user
from tests.scraping.promising import outlive_leases, read, request, tried

both = pytest.mark.both_dbs


@both
def test_a_settled_job_has_its_figure_try_and_run(db: None) -> None:
    run = request(one := account())
    [job] = ledger.claim("x", 1)
    assert settling.settle([read(job, 4_321)], "here:1") == 1
    assert Snapshot.objects.get(account=one, date=clock.today()).followers == 4_321
    job.refresh_from_db()
    assert (job.state, job.outcome, job.attempts, job.tries.get().worker) == (JobState.DONE, "ok", 1, "here:1")
    run.refresh_from_db()
    assert run.state == ScrapeRun.State.DONE
    assert run.finished_at is not None


@both
def test_a_late_workers_result_is_refused(db: None) -> None:
    request(one := account())
    [late] = ledger.claim("x", 1)
    with outlive_leases():
        ledger.sweep()
        [new] = ledger.claim("x", 1)
        assert settling.settle([read(late, 1)]) == 0
        assert not Snapshot.objects.exists()
        assert settling.settle([read(new, 2)]) == 1
        assert settling.settle([read(new, 3)]) == 0
    assert Snapshot.objects.get(account=one).followers == 2


@pytest.mark.parametrize("reason", [Missing.NOT_FOUND, Missing.SUSPENDED, Missing.HIDDEN, Missing.UNSUPPORTED_PROFILE])
def test_a_named_reason_ends_a_job_without_a_figure(db: None, reason: Missing) -> None:
    request(account())
    [job] = ledger.claim("x", 1)
    settling.settle([Result(job, reason, [tried(reason)])])
    job.refresh_from_db()
    assert (job.state, job.outcome) == (JobState.DONE, reason)
    assert not Snapshot.objects.exists()


@both
@pytest.mark.req("A66")
def test_a_failed_job_comes_again_later_and_is_given_up_in_the_end(db: None) -> None:
    request(account())
    waits = []
    for turn in range(MAX_ATTEMPTS):
        with clock.shifted(timedelta(hours=2 * turn)):
            [job] = ledger.claim("x", 1)
            settling.settle([Result(job, Trouble.TIMEOUT, [tried(Trouble.TIMEOUT)])])
            job.refresh_from_db()
            waits.append(job.due_at - clock.now())
    assert (job.state, job.outcome, job.attempts) == (JobState.DEAD, Trouble.TIMEOUT, MAX_ATTEMPTS)
    assert timedelta(seconds=25) < waits[0] < waits[1] < waits[2] < waits[3]


def test_waiting_for_the_platform_costs_no_attempt(db: None) -> None:
    request(account())
    [job] = ledger.claim("x", 1)
    settling.settle([Result(job, Trouble.RATE_LIMITED, [tried(Trouble.RATE_LIMITED)])])
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.DUE, 0)


def test_a_job_given_up_can_be_tried_again(db: None) -> None:
    request(one := account())
    [job] = ledger.claim("x", 1)
    settling.settle([Result(job, Missing.UNPARSABLE, [tried(Missing.UNPARSABLE)])])
    job.refresh_from_db()
    ledger.retry(job, user("editor"))
    assert [again.account for again in ledger.claim("x", 1)] == [one]
    with pytest.raises(ledger.Refused):
        ledger.retry(ScrapeJob.objects.get(state=JobState.LEASED), None)


def test_a_suspect_figure_is_looked_at_again(db: None) -> None:
    one = account()
    yesterday = clock.today() - timedelta(days=1)
    request(one)
    ScrapeJob.objects.update(date=yesterday)
    settling.settle([read(job, 100_000) for job in ledger.claim("x", 1)])
    request(one)
    settling.settle([read(job, 10) for job in ledger.claim("x", 1)])
    assert ScrapeJob.objects.filter(state=JobState.DONE, outcome=SUSPECT).count() == 1
    with clock.shifted(timedelta(minutes=32)):
        [again] = ledger.claim("x", 1)
        assert again.reason == ScrapeJob.Reason.CONFIRM
        settling.settle([read(again, 10)])
    assert Snapshot.objects.published().get(account=one, date=clock.today()).followers == 10
    assert not ScrapeJob.objects.open().exists()


def test_a_second_look_hurried_by_a_request_is_followed_by_another(db: None) -> None:
    one = account()
    for days, followers in ((1, 100_000), (0, 10), (0, 11)):
        request(one)
        ScrapeJob.objects.open().update(date=clock.today() - timedelta(days=days))
        settling.settle([read(job, followers) for job in ledger.claim("x", 1)])
    assert ScrapeJob.objects.open().get().reason == ScrapeJob.Reason.CONFIRM


def test_released_jobs_keep_their_place(db: None) -> None:
    request(account())
    [job] = ledger.claim("x", 1)
    settling.release([job])
    [again] = ledger.claim("x", 1)
    assert (again.order_at, again.attempts, again.token) == (job.order_at, 0, 2)
