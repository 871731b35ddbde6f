"""What runs every few seconds or deletes by age is served by an index, however many jobs there are."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from perf import clock
from scraping import planning, retention
from scraping.models import Attempt, JobState, PermitBlock, RunJob, ScrapeJob, ScrapeRun
from tests.factories import account

pytestmark = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="reads PostgreSQL's plans")


def plan_of(rows: QuerySet[Any]) -> str:
    """How PostgreSQL would find `rows` in a table too large to be read, or sorted, whole."""
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
    return str(rows.explain())


def claimable() -> QuerySet[Any]:
    return ScrapeJob.objects.claimable("x").order_by("order_at", "due_at", "id")[:1_000]


def left_over() -> QuerySet[Any]:
    late = ScrapeJob.objects.filter(state=JobState.DUE, date__lt=clock.today())
    return late.order_by("date", "id").values_list("id", flat=True)[:2_000]


def failed() -> QuerySet[Any]:
    return ScrapeJob.objects.filter(platform__in=["x", "flickr"], date=clock.today(), state=JobState.FAILED)


def missing() -> QuerySet[Any]:
    return planning._missing(clock.today())[:2_000]


def expired(name: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = next(kind.rows for kind in retention.expired() if kind.name == name)
    return rows[:500]


@pytest.fixture
def filled(db: None) -> None:
    """Tables with a past, which PostgreSQL has counted: else all its plans cost the same."""
    accounts = [account("x", f"one{number}") for number in range(10)]
    now, today = clock.now(), clock.today()
    run = ScrapeRun.objects.create(kind="requested", scope="all")
    closed = {"kind": "requested", "scope": "all", "state": ScrapeRun.State.DONE, "finished_at": now}
    ScrapeRun.objects.bulk_create(ScrapeRun(**closed, created_at=now - timedelta(hours=n)) for n in range(500))
    shared = {"platform": "x", "rank": 4, "order_at": now, "due_at": now, "reason": ScrapeJob.Reason.REQUESTED}
    ended = {"state": JobState.DONE, "outcome": "ok"}
    jobs = [
        ScrapeJob(account=one, **shared, **ended, date=today - timedelta(days=n), finished_at=now - timedelta(days=n))
        for one in accounts
        for n in range(100)
    ]
    jobs += [ScrapeJob(account=one, **shared, date=today) for one in accounts[:5]]
    ScrapeJob.objects.bulk_create(jobs)
    RunJob.objects.bulk_create(RunJob(run=run, job=job) for job in jobs)
    Attempt.objects.bulk_create(
        Attempt(
            job=job,
            account_id=job.account_id,
            platform="x",
            step="read",
            started_at=job.finished_at or now,
            seconds=0.1,
            outcome="ok",
            worker="w",
        )
        for job in jobs
    )
    PermitBlock.objects.bulk_create(
        PermitBlock(platform="x", calls=1, granted_at=now - timedelta(hours=n), expires_at=now - timedelta(hours=n))
        for n in range(2_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def test_each_is_served_by_its_index(filled: None) -> None:
    served = {
        "ix_scrapejob_claim": claimable(),
        "ix_scrapejob_left_over": left_over(),
        "ix_scrapejob_failed": failed(),
        "scraping_recheck_pkey": missing(),
        "ix_scrapejob_finished": expired("jobs"),
        "ix_attempt_platform": expired("attempts"),
        "ix_permitblock_expires": expired("permit blocks"),
    }
    assert {index: plan for index, rows in served.items() if index not in (plan := plan_of(rows))} == {}


def test_jobs_of_paused_runs_are_looked_up_job_by_job(filled: None) -> None:
    """As a join it compared every job with every other where PostgreSQL had not counted the tables yet."""
    plan = plan_of(claimable())
    assert "SubPlan" in plan
    assert "Anti Join" not in plan.partition("SubPlan")[0]
    assert "hashed SubPlan" not in plan


def test_a_page_of_runs_counts_no_run_beyond_the_page(filled: None) -> None:
    plan = str(ScrapeRun.objects.for_runs_page()[:20].explain(analyze=True))
    most = max(int(loops) for loops in re.findall(r"loops=(\d+)", plan.partition("SubPlan")[2]))
    assert most <= 20
