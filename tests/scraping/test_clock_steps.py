"""A worker whose own clock steps, forth or back: leases and due times stay what the database's clock makes them."""

from __future__ import annotations

from datetime import timedelta

import pytest

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
    real = clock.timezone.now
    monkeypatch.setattr(clock.timezone, "now", lambda: real() + step)
    ledger.sweep()
    assert ScrapeJob.objects.get(account=held).state == JobState.LEASED
    assert [job.account for job in ledger.claim("flickr", 9)] == [due]
