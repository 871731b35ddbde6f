"""How many accounts there are, as the performance page says it."""

from __future__ import annotations

import pytest

from perf.gauges import readings
from tests import factories


@pytest.mark.django_db
def test_accounts_are_counted_active_and_inactive_beside_organisations() -> None:
    office = factories.organization("Office")
    for number in range(3):
        factories.account(handle=f"a{number}", organization=office, is_active=number > 0)
    found = {one.gauge.name: one for one in readings()}
    assert found["accounts.accounts"].parts == {"Active": 2, "Inactive": 1}
    assert found["accounts.organizations"].total == 1
