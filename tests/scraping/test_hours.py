"""Hours of figures: counted once however often, late attempts included, and right to a fifth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Account
from perf import clock
from scraping import hours, ledger
from scraping.models import Attempt, JobHour, JobState, OutcomeHour, RunTotal, ScrapeJob, ScrapeRun
from tests import factories

both = pytest.mark.both_dbs
pytestmark = pytest.mark.django_db


def this_hour() -> datetime:
    return clock.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def attempt(at: datetime, seconds: float, outcome: str = "ok", platform: str = "x", step: str = "read") -> Attempt:
    one = factories.account(platform)
    job = ScrapeJob.objects.create(
        account=one, platform=platform, date=at.date(), reason="requested", rank=0, order_at=at, due_at=at, state="done"
    )
    return Attempt.objects.create(
        job=job, account=one, platform=platform, step=step, started_at=at, seconds=seconds, outcome=outcome, worker="w"
    )


def rows() -> set[tuple[Any, ...]]:
    found = OutcomeHour.objects.values_list("platform", "step", "hour", "outcome", "bucket", "count", "slowest")
    return set(found)


@both
def test_counting_an_hour_again_gives_the_same_rows() -> None:
    for seconds in (0.2, 0.21, 5.0):
        attempt(this_hour(), seconds)
    attempt(this_hour(), 0.2, "timeout")
    attempt(this_hour() - timedelta(hours=1), 0.2, step="learn")
    hours.roll_up()
    first = rows()
    assert {(step, outcome, count, slowest) for _, step, _, outcome, _, count, slowest in first} == {
        ("read", "ok", 2, 0.21),
        ("read", "ok", 1, 5.0),
        ("read", "timeout", 1, 0.2),
        ("learn", "ok", 1, 0.2),
    }
    hours.roll_up()
    assert rows() == first


@both
def test_an_attempt_recorded_late_is_counted_with_the_next_round() -> None:
    attempt(this_hour(), 0.2)
    attempt(this_hour() - timedelta(hours=1), 0.2)
    hours.roll_up()
    attempt(this_hour() - timedelta(hours=1), 0.2)
    hours.roll_up()
    assert set(OutcomeHour.objects.values_list("hour", "count")) == {
        (this_hour(), 1),
        (this_hour() - timedelta(hours=1), 2),
    }


def test_what_came_while_nobody_counted_is_counted_day_by_day() -> None:
    attempt(this_hour() - timedelta(days=3, hours=5), 0.2)
    attempt(this_hour(), 0.2)
    hours.roll_up()
    assert OutcomeHour.objects.count() == 2


def test_hours_outlive_their_attempts() -> None:
    attempt(this_hour() - timedelta(hours=9), 0.2)
    attempt(this_hour(), 0.2)
    hours.roll_up()
    Attempt.objects.all().delete()
    hours.roll_up()
    assert OutcomeHour.objects.count() == 2


@both
@pytest.mark.parametrize("seconds", [0.0, 0.004, 0.01, 0.0151, 0.3, 29.9, 40_000.0])
def test_a_time_is_counted_in_the_bucket_it_fits(seconds: float) -> None:
    attempt(this_hour(), seconds)
    hours.roll_up()
    number = OutcomeHour.objects.get().bucket
    assert seconds <= hours.upper(number)
    assert number == 0 or seconds > hours.upper(number - 1)


def test_percentiles_are_right_to_a_fifth() -> None:
    one = attempt(this_hour(), 0.01)
    tries = {"job": one.job, "account": one.account, "platform": "x", "step": "read", "outcome": "ok", "worker": "w"}
    rest = [Attempt(started_at=this_hour(), seconds=number / 100, **tries) for number in range(2, 201)]
    Attempt.objects.bulk_create(rest)
    hours.roll_up()
    counts = list(OutcomeHour.objects.values_list("bucket", "count"))
    for share, right in ((0.5, 1.0), (0.95, 1.9), (1.0, 2.0)):
        assert hours.percentile(counts, share, 2.0) == pytest.approx(right, rel=0.2)
    assert hours.percentile([], 0.5, 0) is None


@both
@pytest.mark.req("A71")
def test_wait_and_run_of_each_job_are_counted() -> None:
    now = this_hour() + timedelta(seconds=1)
    one = attempt(now, 0.2).job
    times = {"started_at": now, "finished_at": now + timedelta(seconds=8), "waited": timedelta(minutes=2)}
    ScrapeJob.objects.filter(pk=one.pk).update(**times)
    cancelled = attempt(now, 0.2).job
    ScrapeJob.objects.filter(pk=cancelled.pk).update(state=JobState.CANCELLED, **times)
    for _ in range(2):
        hours.roll_up()
    assert set(JobHour.objects.values_list("measure", "count", "seconds")) == {("wait", 1, 120.0), ("run", 1, 8.0)}


@both
@pytest.mark.req("A99")
def test_an_ended_run_keeps_its_totals_per_platform() -> None:
    factories.account("x"), factories.account("x"), factories.account("flickr")
    run = ledger.request_scrape(Account.objects.all(), None)
    now = clock.now()
    jobs = ScrapeJob.objects.filter(platform="x").order_by("pk")
    timed = {"started_at": now, "finished_at": now + timedelta(seconds=4), "waited": timedelta(seconds=30)}
    jobs.filter(pk=jobs[0].pk).update(state="done", outcome="ok", **timed)
    ScrapeJob.objects.filter(platform="x", state="due").update(state="dead", outcome="timeout", **timed)
    hours.roll_up()
    assert not RunTotal.objects.exists()
    ScrapeJob.objects.filter(platform="flickr").update(state="cancelled", outcome="cancelled", finished_at=now)
    ledger.finish_runs()
    for _ in range(2):
        hours.roll_up()
    assert ScrapeRun.objects.get(pk=run.pk).finished_at
    figures = ("platform", "jobs", "figures", "failed", "cancelled", "waited", "ran")
    assert set(RunTotal.objects.values_list(*figures)) == {
        ("x", 2, 1, 1, 0, 30.0, 4.0),
        ("flickr", 1, 0, 0, 1, None, None),
    }
