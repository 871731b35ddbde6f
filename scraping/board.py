"""What the scraping pages show: each platform's state and quota, failures by reason, accounts that need a look."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Aggregate, Count, DateTimeField, F, Max, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from accounts.models import Account
from accounts.platforms import PLATFORMS, Platform
from perf import clock
from scraping.connectors import Unavailable, connector_for, credential_for
from scraping.connectors.base import Connector, Window
from scraping.models import Attempt, JobState, PermitBlock, PlatformState, RunJob, ScrapeJob, ScrapeRun
from scraping.outcomes import OK

ENDED = (JobState.DONE, JobState.FAILED, JobState.DEAD)
RECENT_ATTEMPTS = 100  # per platform, for the median
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
JOBS_ORDER = ("ended", "order_at", "pk")
OVERDUE_DAYS = 1  # an account last seen before yesterday needs a look


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of the fullest of a platform's windows is spent. `free_at` is when all of it is free again."""

    used: int
    calls: int
    free_at: datetime

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
    jobs: Mapping[str, int]  # due, leased, and of the last day: done (with a figure), failed (without)
    quota: Quota | None
    median_seconds: float | None


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
    """Open jobs (due, leased) and those of the last day's runs that ended (done with a figure, failed without)."""
    counted: Mapping[str, Counter[str]] = defaultdict(Counter)
    for name, state, count in (
        ScrapeJob.objects.open().order_by().values_list("platform", "state").annotate(Count("id"))
    ):
        counted[name][state] += count
    for name, outcome, count in _ended_lately().order_by().values_list("platform", "outcome").annotate(Count("id")):
        counted[name]["done" if outcome == OK else "failed"] += count
    return counted


def _ended_lately() -> QuerySet[ScrapeJob]:
    """Jobs of the last day's runs that are over, cancelled ones apart."""
    runs = ScrapeRun.objects.filter(created_at__gte=clock.now() - timedelta(days=1))
    return ScrapeJob.objects.filter(pk__in=RunJob.objects.filter(run__in=runs).values("job"), state__in=ENDED)


def _pauses() -> dict[str, PlatformState]:
    return {state.platform: state for state in PlatformState.objects.paused().filter(host="")}


def _median(platform: str) -> float | None:
    recent = Attempt.objects.filter(platform=platform).order_by("-started_at").values_list("seconds", flat=True)
    seconds = list(recent[:RECENT_ATTEMPTS])
    return statistics.median(seconds) if seconds else None


def quotas_of(platforms: Collection[str]) -> dict[str, Quota]:
    """The fullest window of each platform that has one; one limited per host or account has no single quota."""
    now = clock.now()
    windows = {
        f"{name}_{number}": (name, window, _opened(window, now))
        for name, connector in ((name, connector_for(name)) for name in platforms)
        if isinstance(connector, Connector) and not (connector.per_host or connector.per_account)
        for number, window in enumerate(connector.windows_for(credential_for(name)))
    }
    spent = _spent(windows)
    quotas: dict[str, Quota] = {}
    for key, (name, window, _) in windows.items():
        used, last = spent[key]
        quota = Quota(used, window.calls, _frees(window, last or now))
        if name not in quotas or quota.used * quotas[name].calls > quotas[name].used * quota.calls:
            quotas[name] = quota
    return quotas


def _spent(windows: Mapping[str, tuple[str, Window, datetime]]) -> dict[str, tuple[int, datetime | None]]:
    """Calls spent in each window and when the last of them counts from, as the limiter would rebuild them."""
    if not windows:
        return {}
    asked: dict[str, Aggregate] = {}
    for key, (name, _, opened) in windows.items():
        within = Q(platform=name, counts_from__gte=opened)
        asked[f"{key}_sum"] = Sum(F("calls") - Coalesce("returned", 0), filter=within)
        asked[f"{key}_max"] = Max("counts_from", filter=within)
    blocks = PermitBlock.objects.annotate(counts_from=Coalesce("settled_at", "expires_at"))
    earliest = min(opened for _, _, opened in windows.values())
    found = blocks.filter(expires_at__gte=earliest).aggregate(**asked)
    return {key: (found[f"{key}_sum"] or 0, found[f"{key}_max"]) for key in windows}


def _opened(window: Window, now: datetime) -> datetime:
    """Since when calls count: the last `seconds`, or since midnight in the window's zone."""
    if not window.zone:
        return now - timedelta(seconds=window.seconds)
    return datetime.combine(clock.today(window.zone), time(), ZoneInfo(window.zone))


def _frees(window: Window, last: datetime) -> datetime:
    if not window.zone:
        return last + timedelta(seconds=window.seconds)
    return datetime.combine(clock.today(window.zone) + timedelta(days=1), time(), ZoneInfo(window.zone))


def without_figure(run: ScrapeRun) -> QuerySet[ScrapeJob]:
    """The jobs of `run` that ended without a figure, whatever the reason; cancelled ones are not meant."""
    jobs = ScrapeJob.objects.filter(runjob__run=run, state__in=ENDED)
    return jobs.exclude(outcome=OK)


@dataclass(frozen=True, slots=True)
class Failure:
    """How many accounts of one platform ended without a figure for one reason."""

    platform: Platform
    outcome: str
    accounts: int


def failures(run: ScrapeRun) -> list[Failure]:
    """What kept accounts of `run` from a figure, most frequent first."""
    rows = without_figure(run).order_by().values_list("platform", "outcome").annotate(accounts=Count("id"))
    ordered = rows.order_by("-accounts", "platform", "outcome")
    return [Failure(PLATFORMS[name], outcome, accounts) for name, outcome, accounts in ordered]


def jobs_of(run: ScrapeRun, platform: str = "", outcome: str = "") -> QuerySet[ScrapeJob]:
    """The jobs of `run` (of one platform, with one outcome) with reasons; page them by JOBS_ORDER: open ones first."""
    chosen = {name: value for name, value in (("platform", platform), ("outcome", outcome)) if value}
    ended = Coalesce("finished_at", Value(LONG_AGO), output_field=DateTimeField())
    return ScrapeJob.objects.for_run_page(run).filter(**chosen).annotate(ended=ended)


def failed_accounts(run: ScrapeRun, platform: str, outcome: str) -> QuerySet[Account]:
    """The active accounts of `platform` whose job in `run` ended without a figure for `outcome`."""
    jobs = without_figure(run).filter(platform=platform, outcome=outcome)
    return Account.objects.active().filter(pk__in=jobs.values("account"))


def needing_a_look() -> QuerySet[Account]:
    """Active accounts without a figure since yesterday, or refused one in the last day; longest unseen first.

    Annotates `seen_at` (the instant of the newest published figure), `outcome` and `job_state` of the newest job.
    """
    newest = ScrapeJob.objects.filter(account=OuterRef("pk")).order_by("-date", "-pk")
    unseen = Q(latest=None) | Q(latest__date=None) | Q(latest__date__lt=clock.today() - timedelta(days=OVERDUE_DAYS))
    refused = _ended_lately().exclude(outcome=OK).values("account")
    rows = Account.objects.active().filter(unseen | Q(pk__in=refused, latest__date__lt=clock.today()))
    return rows.annotate(
        seen_at=F("latest__observed_at"),
        outcome=Subquery(newest.values("outcome")[:1]),
        job_state=Subquery(newest.values("state")[:1]),
    ).order_by(F("latest__observed_at").asc(nulls_first=True), "pk")
