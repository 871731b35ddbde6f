"""The board of platforms: the pace of each, however many there are, in one look at its last tries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from perf import clock
from scraping import ledger
from scraping.board import RECENT_ATTEMPTS, medians_of, platform_rows
from scraping.models import Attempt
from scraping.models.attempts import SECONDS_LATELY
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


def tried(platform: str, *seconds: float) -> None:
    """One try after the other of a new account, a minute apart, the last a moment ago."""
    account, now = factories.account(platform), clock.now()
    ledger.request_scrape(Account.objects.filter(pk=account.pk), None)
    same: dict[str, Any] = {"job": account.scrape_jobs.get(), "account": account, "platform": platform}
    same |= {"step": "read", "outcome": "ok"}
    Attempt.objects.bulk_create(
        Attempt(**same, seconds=taken, started_at=now - timedelta(minutes=ago))
        for ago, taken in enumerate(reversed(seconds))
    )


def test_a_platforms_pace_is_the_median_of_its_own_last_tries() -> None:
    tried("x", *[60] * 50, *[1] * (RECENT_ATTEMPTS // 2), *[3] * (RECENT_ATTEMPTS // 2))
    tried("youtube", 5, 7, 9)
    assert medians_of(["x", "youtube", "flickr"]) == {"x": 2, "youtube": 7}
    assert medians_of([]) == {}


def test_queries_of_the_board_do_not_grow_with_the_platforms() -> None:
    counts = []
    for platforms in (["x"], ["youtube", "flickr", "reddit"]):
        for platform in platforms:
            tried(platform, 1)
        with CaptureQueriesContext(connection) as asked:
            rows = platform_rows()
        assert [row.median_seconds for row in rows] == [1] * len(rows)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_last_tries_of_each_platform_are_read_from_the_index() -> None:
    tried("x", 1)
    explain = {"postgresql": "EXPLAIN", "sqlite": "EXPLAIN QUERY PLAN"}[connection.vendor]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # which would read so small a table whole
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"{explain} {SECONDS_LATELY} UNION ALL {SECONDS_LATELY}", ["x", 9, "youtube", 9])
        plan = "\n".join(str(line) for line in cursor.fetchall())
    assert plan.count("ix_attempt_platform") == 2
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
