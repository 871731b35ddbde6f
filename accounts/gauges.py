"""How many accounts and organisations there are, for the performance page."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count

from accounts.models import Account, Organization
from perf.gauges import Gauge


def tracked() -> Mapping[str, int]:
    """Accounts that are scraped, and those that are not any more."""
    counted = dict(Account.objects.order_by().values_list("is_active").annotate(Count("pk")))
    return {"Active": counted.get(True, 0), "Inactive": counted.get(False, 0)}


def organizations() -> int:
    """All organisations."""
    return Organization.objects.count()


GAUGES = [
    Gauge("accounts.accounts", "Accounts", tracked, note="Active ones are gathered, inactive ones keep their figures."),
    Gauge("accounts.organizations", "Organisations", organizations, note="With or without accounts."),
]
