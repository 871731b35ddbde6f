"""What runs every few seconds or deletes by age is served by an index, however many jobs there are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from perf import clock
from scraping import planning
from scraping.models import Attempt, JobState, PermitBlock, ScrapeJob, ScrapeRun
from tests.factories import account
from tests.scraping.promising import request

pytestmark = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="reads PostgreSQL's plans")


def plan_of(rows: QuerySet[Any]) -> str:
    """How PostgreSQL would find `rows` in a table too large to be read whole."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
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


def old(model: Any) -> QuerySet[Any]:
    rows: QuerySet[Any] = model.objects.older_than(clock.now() - timedelta(days=90))[:500]
    return rows


@pytest.mark.req("A22")
@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (claimable, "ix_scrapejob_claim"),
        (left_over, "ix_scrapejob_left_over"),
        (failed, "ix_scrapejob_failed"),
        (missing, "scraping_recheck_pkey"),
        (lambda: old(ScrapeJob), "ix_scrapejob_finished"),
        (lambda: old(ScrapeRun), "ix_scraperun_created"),
        (lambda: old(Attempt), "ix_attempt_platform"),
        (lambda: old(PermitBlock), "ix_permitblock_platform"),
    ],
)
def test_it_is_served_by_its_index(db: None, rows: Any, index: str) -> None:
    assert index in plan_of(rows())


def test_jobs_of_a_paused_run_are_found_from_the_run(db: None) -> None:
    """An OR of two EXISTS made PostgreSQL hash every job of every run for each claim: 300 ms at 200,000 jobs."""
    request(account())
    plan = plan_of(claimable())
    assert "Anti Join" in plan
    assert "hashed SubPlan" not in plan


def test_a_page_of_runs_counts_no_run_beyond_the_page(db: None) -> None:
    for _ in range(30):
        ScrapeRun.objects.create(kind="requested", scope="all")
    plan = str(ScrapeRun.objects.for_runs_page()[:20].explain(analyze=True))
    assert "loops=20" in plan
    assert "loops=30" not in plan
