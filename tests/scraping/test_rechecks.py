"""Rechecks: what a platform answers for without a figure is planned more and more rarely, and at once on request."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Account
from perf import clock
from scraping import ledger, settling
from scraping.connectors.base import Missing, Trouble
from scraping.models import JobState, Recheck, ScrapeJob
from scraping.results import Result
from tests.factories import account
from tests.scraping.promising import read, request, tried

both = pytest.mark.both_dbs


def answer(outcome: str, on: date | None = None) -> None:
    """Settle what is due as `outcome`, as the figure of `on`."""
    jobs = ledger.claim("x", 5)
    for job in jobs:
        job.date = on or job.date
    settling.settle([Result(job, outcome, [tried(outcome)]) for job in jobs])


@both
def test_each_such_answer_puts_the_next_planned_check_further_off(db: None, settings: Any) -> None:
    settings.SCRAPE_WINDOW = "00:00-00:01"
    account()
    checked = []
    for day in (0, 1, 2, 3, 4, 6, 7, 8, 14, 15, 16, 28, 29, 30, 42, 43, 44):
        with clock.shifted(timedelta(days=day)):
            if ledger.plan():
                checked.append(day)
                answer(Missing.SUSPENDED)
    assert checked == [0, 1, 3, 7, 15, 29, 43]


@pytest.mark.parametrize("reason", [Missing.NOT_FOUND, Missing.SUSPENDED, Missing.HIDDEN])
def test_it_is_told_why_since_when_and_until_when(db: None, reason: Missing) -> None:
    one = account()
    for day in (date(2026, 11, 20), date(2026, 11, 21)):
        request(one)
        answer(reason, on=day)
    row = Recheck.objects.get(account=one)
    assert (row.outcome, row.since, row.next_on) == (reason, date(2026, 11, 20), date(2026, 11, 23))


def test_what_a_platform_put_off_is_asked_for_again_and_not_more_rarely(db: None) -> None:
    request(account())
    for _ in range(2):
        answer(Missing.POSTPONED)
        ScrapeJob.objects.update(due_at=clock.now())
    assert ScrapeJob.objects.get().state == JobState.DUE
    assert not Recheck.objects.exists()


def test_asked_twice_a_day_it_counts_once(db: None) -> None:
    one = account()
    for _ in range(3):
        request(one)
        answer(Missing.NOT_FOUND)
    assert Recheck.objects.get().times == 1


def test_an_editors_request_asks_at_once_and_a_figure_ends_it(db: None) -> None:
    one = account()
    request(one)
    answer(Missing.NOT_FOUND, on=clock.today() + timedelta(days=9))
    request(one)
    [job] = ledger.claim("x", 5)
    settling.settle([read(job)])
    assert not Recheck.objects.exists()


def test_a_passing_failure_puts_nothing_off(db: None) -> None:
    request(account())
    answer(Trouble.TIMEOUT)
    assert not Recheck.objects.exists()


@both
def test_a_corrected_account_is_asked_for_with_the_next_plan(db: None) -> None:
    one = account()
    request(one)
    answer(Missing.NOT_FOUND, on=clock.today() + timedelta(days=9))
    assert ledger.plan() == 0
    one.rename("corrected")
    ScrapeJob.objects.all().delete()
    assert ledger.plan() == 1


def test_a_new_biography_changes_nothing(db: None) -> None:
    one = account()
    request(one)
    answer(Missing.HIDDEN)
    Account.objects.learn({one.pk: {"bio": "Now with more words"}})
    assert Recheck.objects.filter(account=one).exists()
