"""What is kept for how long, and that nothing goes that is still counted from."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Account
from perf import clock, expiring
from project import retention
from scraping import ledger, limits
from scraping.models import (
    Alert,
    Attempt,
    JobHour,
    Notice,
    OutcomeHour,
    PermitBlock,
    RunJob,
    Sample,
    ScrapeJob,
    ScrapeRun,
)
from snapshots.models import ExportJob
from tests import factories

both = pytest.mark.both_dbs
pytestmark = pytest.mark.django_db


def old_world(days: int) -> ScrapeRun:
    """A run of one account, `days` ago, with everything that it left."""
    one = factories.account("x")
    at = clock.now() - timedelta(days=days)
    run = ledger.request_scrape(Account.objects.filter(pk=one.pk), None)
    job = ScrapeJob.objects.get(account=one)
    done = {"state": "done", "outcome": "ok", "started_at": at, "finished_at": at, "waited": timedelta(0)}
    ScrapeJob.objects.filter(pk=job.pk).update(**done)
    ScrapeRun.objects.filter(pk=run.pk).update(state="done", created_at=at, finished_at=at)
    tried = {"job": job, "account": one, "platform": "x", "step": "read", "started_at": at, "seconds": 0.1}
    Attempt.objects.create(outcome="ok", worker="w", **tried)
    Sample.objects.create(platform="x", account=one, accounts=1, outcome="unparsable", size=1, taken_at=at)
    PermitBlock.objects.create(platform="x", calls=1, dollars=Decimal(1), granted_at=at, expires_at=at)
    alert = Alert.objects.create(kind="paused", key=str(days), opened_at=at, closed_at=at)
    Notice.objects.create(alert=alert, event="opened", channel="webhook", due_at=at)
    return run


def left() -> dict[str, int]:
    kept = (ScrapeRun, RunJob, ScrapeJob, Attempt, Sample, PermitBlock, OutcomeHour, JobHour, Alert, Notice)
    return {model.__name__: model.objects.count() for model in kept}


@both
@pytest.mark.req("A107")
@pytest.mark.parametrize(
    ("days", "gone"),
    [
        (29, set()),
        (32, {"Attempt", "Sample"}),
        (92, {"Attempt", "Sample", "ScrapeRun", "RunJob", "ScrapeJob"}),
        (402, {"Attempt", "Sample", "ScrapeRun", "RunJob", "ScrapeJob", "PermitBlock"}),
    ],
)
def test_each_record_is_kept_as_long_as_promised(days: int, gone: set[str]) -> None:
    old_world(days)
    retention.prune()
    gone = gone | ({"OutcomeHour", "JobHour", "Alert", "Notice"} if days > 400 else set())
    assert {name for name, count in left().items() if not count} == gone


def test_attempts_are_counted_before_they_go() -> None:
    old_world(32)
    retention.prune()
    assert not Attempt.objects.exists()
    assert OutcomeHour.objects.get().count == 1


def test_what_is_open_is_never_deleted() -> None:
    old_world(500)
    ScrapeJob.objects.update(state="due", finished_at=None)
    ScrapeRun.objects.update(state="running", finished_at=None)
    Alert.objects.update(closed_at=None)
    retention.prune()
    assert {left()[name] for name in ("ScrapeRun", "RunJob", "ScrapeJob", "Alert", "Notice")} == {1}


def test_a_job_stays_while_a_kept_run_counts_it() -> None:
    run = old_world(100)
    ScrapeRun.objects.filter(pk=run.pk).update(finished_at=clock.now())
    retention.prune()
    assert ScrapeRun.objects.progress().get(pk=run.pk).total_jobs == 1


def test_longer_kept_attempts_keep_their_jobs(settings: Any) -> None:
    settings.SCRAPE_ATTEMPT_DAYS = 365
    old_world(100)
    retention.prune()
    assert (ScrapeJob.objects.count(), Attempt.objects.count()) == (1, 1)


def test_the_months_money_is_still_known_on_its_last_day() -> None:
    old_world(31)
    before = limits.spent_dollars("x", clock.now() - timedelta(days=31))
    retention.prune()
    assert limits.spent_dollars("x", clock.now() - timedelta(days=31)) == before == Decimal(1)


def test_many_rows_go_in_chunks_and_stop_when_the_time_is_over(monkeypatch: Any) -> None:
    for _ in range(5):
        old_world(32)
    monkeypatch.setattr(expiring, "CHUNK", 2)
    assert retention.prune(-1.0)["attempts"] == 0
    assert retention.prune()["attempts"] == 5


def test_a_dry_run_says_what_would_go_and_deletes_nothing() -> None:
    old_world(95)
    before, out = left(), StringIO()
    call_command("prune", dry_run=True, stdout=out)
    assert "attempts: 1 older than 30 days\n" in out.getvalue()
    assert "runs: 1 older than 90 days\n" in out.getvalue()
    assert left() == before
    call_command("prune", stdout=out)
    assert "attempts: 1 older than 30 days, deleted\n" in out.getvalue()
    assert not Attempt.objects.exists()


def test_exports_go_after_a_month_and_their_files_after_a_day(settings: Any) -> None:
    owner, out = factories.user(), StringIO()
    for days in (2, 29, 32):
        at = clock.now() - timedelta(days=days)
        ExportJob.objects.create(owner=owner, kind="csv", total=0, state="done", created_at=at, ended_at=at)
    call_command("prune", stdout=out)
    assert "exports: 1 older than 30 days, deleted\n" in out.getvalue()
    assert "files of exports: 2 older than 24 hours, removed\n" in out.getvalue()
    assert set(ExportJob.objects.values_list("state", flat=True)) == {"expired"}
