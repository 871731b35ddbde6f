"""How many figures there are, as the performance page says it: those that count, and those in doubt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from perf import clock
from perf.gauges import readings
from snapshots.models import Quality
from tests import factories


@pytest.mark.django_db
def test_figures_that_count_and_those_in_doubt_are_told_apart() -> None:
    account = factories.account(is_active=False)
    for days in range(3):
        factories.snapshot(account, clock.today() - timedelta(days=days))
    factories.snapshot(account, clock.today() - timedelta(days=9), quality=Quality.SUSPECT)
    found = {one.gauge.name: one.total for one in readings()}
    assert (found["snapshots.published"], found["snapshots.doubted"]) == (3, 1)
