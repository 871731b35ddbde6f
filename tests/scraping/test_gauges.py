"""How much there is to gather, as the performance page says it."""

from __future__ import annotations

import pytest

from accounts.models import Account
from perf.gauges import readings
from scraping import ledger
from scraping.models import JobState, ScrapeJob
from tests import factories


@pytest.mark.django_db
def test_open_jobs_are_counted_and_those_that_are_over_are_not() -> None:
    for number in range(3):
        factories.account(handle=f"a{number}")
    ledger.request_scrape(Account.objects.all(), None)
    ScrapeJob.objects.filter(account__handle="a0").update(state=JobState.DONE)
    found = {one.gauge.name: one for one in readings()}
    assert found["scraping.open_jobs"].parts == {"Waiting": 2, "Being fetched": 0}
    assert (found["scraping.open_alerts"].total, found["scraping.samples"].total) == (0, 0)
