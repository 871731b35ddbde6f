"""The first scrape's progress, told in lines."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest

from accounts.models import Account
from perf.clock import now
from project import progress
from project.progress import Progress
from scraping import ledger
from scraping.models import ScrapeJob, ScrapeRun
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was said; between any two looks a minute passes."""
    minutes = count(1)
    monkeypatch.setattr(progress.time, "monotonic", lambda: 60.0 * next(minutes))
    return []


@pytest.fixture
def run() -> ScrapeRun:
    for _ in range(4):
        factories.account()
    return ledger.request_scrape(Account.objects.all(), None)


def finish(run: ScrapeRun, jobs: int) -> None:
    ids = list(run.jobs.values_list("id", flat=True)[:jobs])
    ScrapeJob.objects.filter(pk__in=ids).update(state="done", finished_at=now(), lease_until=None)


def test_bar_follows_the_run_to_its_end(run: ScrapeRun, told: list[str]) -> None:
    shown = Progress(told.append)
    shown.follow(run)
    shown.show()
    finish(run, 2)
    shown.show()
    finish(run, 4)
    ScrapeRun.objects.filter(pk=run.pk).update(state="done", finished_at=now())
    shown.show()
    shown.show()
    assert [line.partition("] ")[2] for line in told] == ["0 of 4", "2 of 4", "4 of 4"]
    assert told[1] == f"First scrape [{'#' * 15}{'.' * 15}] 2 of 4"


def test_what_waits_for_a_platform_is_left_to_the_page(run: ScrapeRun, told: list[str]) -> None:
    finish(run, 1)
    ScrapeJob.objects.filter(state="due").update(due_at=now() + timedelta(hours=1))
    shown = Progress(told.append)
    shown.follow(run)
    for _ in range(3):
        shown.show()
    assert told[1:] == ["3 accounts wait for their platforms; the page /scraping/ says until when."]


def test_deleted_run_is_no_error(run: ScrapeRun, told: list[str]) -> None:
    shown = Progress(told.append)
    shown.follow(run)
    ScrapeRun.objects.all().delete()
    shown.show()
    assert told == []
