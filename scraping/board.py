"""What the scraping pages show: each platform's state and quota, failures by reason, accounts that need a look."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Case, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce

from accounts.models import Account
from accounts.platforms import PLATFORMS, Platform
from perf import clock
from scraping.connectors import Unavailable, connector_for
from scraping.connectors.base import Connector, Window
from scraping.models import Attempt, JobState, PermitBlock, PlatformState, RunJob, ScrapeJob, ScrapeRun

UNSUCCESSFUL = (JobState.FAILED, JobState.DEAD)
RECENT_ATTEMPTS = 100  # per platform, for the median
OVERDUE_DAYS = 1  # an account last seen before yesterday needs a look


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of the fullest of a platform's windows is spent. `resets_at` is when all of it is free again."""

    used: int
    calls: int
    resets_at: datetime

    @property
    def left(self) -> int:
        """Calls that may still be made."""
        return max(0, self.calls - self.used)


@dataclass(frozen=True, slots=True)
class PlatformRow:
    """One platform with accounts: whether it is read, what is to do and done today, its quota and its pace."""

    platform: Platform
    accounts: int
    off: str  # why it is not read, or ""
    paused: PlatformState | None
    jobs: Mapping[str, int]
    quota: Quota | None
    median_seconds: float | None

    @property
    def failed(self) -> int:
        """Jobs that ended without a figure."""
        return sum(self.jobs.get(state, 0) for state in UNSUCCESSFUL)


def platform_rows() -> list[PlatformRow]:
    """One row per platform that has active accounts, in the registry's order."""
    accounts = dict(Account.objects.active().order_by().values_list("platform").annotate(Count("id")))
    jobs, paused, quotas = _jobs_by_platform(), _pauses(), quotas_of(accounts)
    rows = []
    for name in (name for name in PLATFORMS if name in accounts):
        connector = connector_for(name)
        off = connector.reason if isinstance(connector, Unavailable) else ""
        rows.append(
            PlatformRow(
                PLATFORMS[name], accounts[name], off, paused.get(name), jobs[name], quotas.get(name), _median(name)
            )
        )
    return rows


def _jobs_by_platform() -> Mapping[str, Counter[str]]:
    """Open jobs, and those ended in runs of the last 24 hours, per platform and state."""
    runs = ScrapeRun.objects.filter(created_at__gte=clock.now() - timedelta(days=1)).values("pk")
    ended = ScrapeJob.objects.filter(Q(pk__in=RunJob.objects.filter(run__in=runs).values("job")))
    counted: Mapping[str, Counter[str]] = defaultdict(Counter)
    for jobs in (ScrapeJob.objects.open(), ended.exclude(state__in=[JobState.DUE, JobState.LEASED])):
        for name, state, count in jobs.order_by().values_list("platform", "state").annotate(Count("id")):
            counted[name][state] += count
    return counted


def _pauses() -> dict[str, PlatformState]:
    return {state.platform: state for state in PlatformState.objects.paused().filter(host="")}


def _median(platform: str) -> float | None:
    recent = Attempt.objects.filter(platform=platform).order_by("-started_at").values_list("seconds", flat=True)
    seconds = list(recent[:RECENT_ATTEMPTS])
    return statistics.median(seconds) if seconds else None


def quotas_of(platforms: Collection[str]) -> dict[str, Quota]:
    """The fullest window of each platform that has one; a platform limited per host has no single quota."""
    now = clock.now()
    connectors = {name: connector_for(name) for name in platforms}
    windows = {
        f"{name}_{number}": (name, window, _opened(window, now))
        for name, connector in connectors.items()
        if isinstance(connector, Connector) and not connector.per_host
        for number, window in enumerate(connector.windows)
    }
    if not windows:
        return {}
    spent = F("calls") - Coalesce("returned", 0)
    sums = {
        key: Sum(Case(When(platform=name, granted_at__gte=opened, then=spent)))
        for key, (name, _, opened) in windows.items()
    }
    earliest = min(opened for _, _, opened in windows.values())
    used = PermitBlock.objects.filter(granted_at__gte=earliest).aggregate(**sums)
    quotas: dict[str, Quota] = {}
    for key, (name, window, opened) in windows.items():
        quota = Quota(used[key] or 0, window.calls, _closes(window, opened, now))
        if name not in quotas or quota.used * quotas[name].calls > quotas[name].used * quota.calls:
            quotas[name] = quota
    return quotas


def _opened(window: Window, now: datetime) -> datetime:
    """Since when calls count: the last `seconds`, or since midnight in the window's zone."""
    if not window.zone:
        return now - timedelta(seconds=window.seconds)
    return datetime.combine(clock.today(window.zone), time(), ZoneInfo(window.zone))


def _closes(window: Window, opened: datetime, now: datetime) -> datetime:
    return opened + timedelta(days=1) if window.zone else now + timedelta(seconds=window.seconds)


def failures(run: ScrapeRun) -> list[dict[str, object]]:
    """The accounts of `run` that ended without a figure: {platform, outcome, accounts}, most frequent first."""
    jobs = ScrapeJob.objects.filter(runjob__run=run, state__in=UNSUCCESSFUL).order_by()
    rows = jobs.values("platform", "outcome").annotate(accounts=Count("id"))
    return list(rows.order_by("-accounts", "platform", "outcome"))


def failed_accounts(run: ScrapeRun, platform: str, outcome: str) -> QuerySet[Account]:
    """The active accounts whose job in `run` ended without a figure for `outcome`."""
    jobs = ScrapeJob.objects.filter(runjob__run=run, state__in=UNSUCCESSFUL, platform=platform, outcome=outcome)
    return Account.objects.active().filter(pk__in=jobs.values("account"))


def needing_a_look() -> QuerySet[Account]:
    """Active accounts without a figure since yesterday, longest first, each with `outcome` of its newest job.

    Annotates `seen_at` (the instant of the newest published figure), `outcome` and `job_state`.
    """
    newest = ScrapeJob.objects.filter(account=OuterRef("pk")).order_by("-date", "-pk")
    overdue = clock.today() - timedelta(days=OVERDUE_DAYS)
    rows = Account.objects.active().filter(Q(latest=None) | Q(latest__date=None) | Q(latest__date__lt=overdue))
    return (
        rows.annotate(
            seen_at=F("latest__observed_at"),
            outcome=Subquery(newest.values("outcome")[:1]),
            job_state=Subquery(newest.values("state")[:1]),
        )
        .select_related("organization")
        .order_by(F("latest__observed_at").asc(nulls_first=True), "pk")
    )
