"""The last days of one account, and why some of them have no figure."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Hold
from perf import clock
from scraping.models import JobState, Rank, ScrapeJob
from snapshots.days import recent_days
from tests import factories
from tests.snapshots.worlds import days_ago

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


def test_each_day_has_its_figure_with_its_change_or_says_why_not(django_assert_num_queries: Any) -> None:
    account = factories.account(held=Hold.REASSIGNED, held_at=clock.now())
    for ago, followers, quality in (
        (6, 100, "published"),
        (5, 130, "published"),
        (4, 9, "suspect"),
        (3, 8, "rejected"),
    ):
        factories.snapshot(account, days_ago(ago), followers, quality=quality)
    blocked = {
        "state": JobState.DEAD,
        "outcome": "blocked",
        "rank": Rank.REST,
        "order_at": clock.now(),
        "due_at": clock.now(),
    }
    ScrapeJob.objects.create(account=account, platform="x", date=days_ago(2), reason="planned", **blocked)
    with django_assert_num_queries(3):  # the account's days, its jobs and whether it is asked rarely
        found = recent_days(account)
    assert [day.date for day in found] == [days_ago(ago) for ago in range(7)]
    assert [(day.figure.followers, day.change) for day in found if day.figure] == [(130, 30), (100, None)]
    reasons = [day.absence.reason for day in found if day.absence]
    assert reasons == ["on_hold", "not_asked", "blocked", "rejected", "suspect"]
