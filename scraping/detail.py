"""What the page of one platform shows: quota windows, money, pauses and the last failures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.conf import settings

from accounts.models import Account
from accounts.platforms import Platform
from perf import clock
from scraping import limits
from scraping.board import medians_of
from scraping.condition import GOOD, PERIOD, Condition, conditions
from scraping.connectors import CONNECTORS, connector_for
from scraping.connectors.base import Connector
from scraping.freshness import Share, shares
from scraping.models import Attempt, PlatformState, ScrapeJob
from scraping.quotas import Quota, windows_of

FAILURES_SHOWN = 20
PAUSES_SHOWN = 10
LOOKED_AT = 500  # of the last failed tries, for the last failed accounts


@dataclass(frozen=True, slots=True)
class Money:
    """Dollars spent this UTC month on a platform that is paid per account; `budget` is None while none is set."""

    spent: Decimal
    budget: Decimal | None


@dataclass(frozen=True, slots=True)
class Detail:
    """One platform as its page shows it. `kind` is "api", "page" or, where it is off, ""."""

    platform: Platform
    kind: str
    accounts: int
    on_hold: int
    condition: Condition
    due: int
    quotas: list[Quota]
    money: Money | None
    rests: list[PlatformState]
    median_seconds: float | None
    failures: list[Attempt]
    shares: list[Share]


def detail_of(platform: Platform) -> Detail:
    """Everything about `platform`, in a number of queries that does not depend on its accounts."""
    connector = connector_for(platform.name)
    accounts = Account.objects.active().filter(platform=platform.name)
    jobs = ScrapeJob.objects.open().filter(platform=platform.name)
    return Detail(
        platform=platform,
        kind=connector.kind if isinstance(connector, Connector) else "",
        accounts=accounts.count(),
        on_hold=accounts.on_hold().count(),
        condition=conditions([platform.name])[platform.name],
        due=jobs.count(),
        quotas=windows_of([platform.name]).get(platform.name, []),
        money=_money(platform.name),
        rests=_rests(platform.name),
        median_seconds=medians_of([platform.name]).get(platform.name),
        failures=_failures(platform.name),
        shares=shares(platform.name),
    )


def _money(platform: str) -> Money | None:
    """What the platform cost this month, if it costs anything."""
    connector = CONNECTORS.get(platform)
    if connector is None or not connector.billed:
        return None
    budget = settings.X_MONTHLY_BUDGET_USD
    return Money(limits.spent_dollars(platform, clock.now()), None if budget is None else Decimal(str(budget)))


def _rests(platform: str) -> list[PlatformState]:
    """The present or last pause of the platform and of its hosts, newest first."""
    rests = PlatformState.objects.filter(platform=platform, paused_until__isnull=False)
    return list(rests.order_by("-paused_until", "host")[:PAUSES_SHOWN])


def _failures(platform: str) -> list[Attempt]:
    """The last try of each of the accounts that failed last within a day, newest first."""
    since = clock.now() - max(PERIOD, timedelta(days=1))
    tries = Attempt.objects.filter(platform=platform, started_at__gte=since).exclude(outcome__in=GOOD)
    found: dict[int, Attempt] = {}
    for one in tries.select_related("account", "job").order_by("-started_at", "-pk")[:LOOKED_AT]:
        found.setdefault(one.account_id, one)
        if len(found) == FAILURES_SHOWN:
            break
    return list(found.values())
