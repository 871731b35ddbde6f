"""Clocks that step: a worker's own moves no lease and no due time, and none outlives a database's that is put back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account
from perf import clock
from scraping import ledger
from scraping.models import JobState, ScrapeJob
from tests import factories

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("step", [-5 * HOUR, -timedelta(minutes=2), timedelta(minutes=2), 5 * HOUR])
def test_step_of_the_clock_ends_no_lease_and_moves_no_due_time(
    step: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, due, later = (factories.account("flickr") for _ in range(3))
    ledger.request_scrape(Account.objects.filter(pk=held.pk), None)
    assert [job.account for job in ledger.claim("flickr", 1)] == [held]
    ledger.request_scrape(Account.objects.exclude(pk=held.pk), None)
    ScrapeJob.objects.filter(account=later).update(due_at=clock.db_now(HOUR))
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + step)
    ledger.sweep()
    assert ScrapeJob.objects.get(account=held).state == JobState.LEASED
    assert [job.account for job in ledger.claim("flickr", 9)] == [due]


@pytest.mark.parametrize("step", [HOUR, 24 * HOUR])
def test_lease_of_a_dead_worker_ends_though_the_databases_clock_was_put_back(step: timedelta) -> None:
    ledger.request_scrape(Account.objects.filter(pk=factories.account("flickr").pk), None)
    with clock.shifted(step):
        [held] = ledger.claim("flickr", 1)
        assert ledger.sweep() == 0
    assert ledger.sweep() == 1
    assert ledger.claim("flickr", 1) == [held]
