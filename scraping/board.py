"""What the scraping pages show: each platform's state and quota, failures by reason, accounts that need a look."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Case, Count, DateTimeField, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from accounts.models import Account, FormerHandle
from accounts.platforms import PLATFORMS, Platform
from perf import clock
from scraping.condition import Condition, conditions
from scraping.models import Attempt, JobState, RunJob, ScrapeJob, ScrapeRun
from scraping.outcomes import OK, Ended
from scraping.quotas import Quota, quotas_of

ENDED = (JobState.DONE, JobState.FAILED, JobState.DEAD)
RECENT_ATTEMPTS = 100  # per platform, for the median
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
JOBS_ORDER = ("ended", "order_at", "pk")
OVERDUE_DAYS = 1  # an account last seen before yesterday needs a look


@dataclass(frozen=True, slots=True)
class PlatformRow:
    """One platform with accounts: how it is, what is to do and done today, its quota and its pace."""

    platform: Platform
    accounts: int
    condition: Condition
    jobs: Mapping[str, int]  # due, leased, and of the last day: done (with a figure), failed (without)
    quota: Quota | None
    median_seconds: float | None


def platform_rows() -> list[PlatformRow]:
    """One row per platform that has active accounts, in the registry's order."""
    accounts = dict(Account.objects.active().order_by().values_list("platform").annotate(Count("id")))
    jobs, found, quotas = _jobs_by_platform(), conditions(accounts), quotas_of(accounts)
    medians = medians_of(accounts)
    return [
        PlatformRow(
            platform=PLATFORMS[name],
            accounts=accounts[name],
            condition=found[name],
            jobs=jobs[name],
            quota=quotas.get(name),
            median_seconds=medians.get(name),
        )
        for name in PLATFORMS
        if name in accounts
    ]


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


def medians_of(platforms: Collection[str]) -> dict[str, float]:
    """The median seconds of each platform's last tries; without those that were never tried."""
    lately = Attempt.objects.seconds_lately(platforms, RECENT_ATTEMPTS)
    return {name: statistics.median(seconds) for name, seconds in lately.items()}


def without_figure(run: ScrapeRun) -> QuerySet[ScrapeJob]:
    """The jobs of `run` that ended without a figure, skipped ones too; what a person cancelled is not meant."""
    jobs = ScrapeJob.objects.filter(Q(state__in=ENDED) | Q(outcome=Ended.SKIPPED), runjob__run=run)
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


@dataclass(frozen=True, slots=True)
class Ends:
    """How the accounts of a run ended; what was skipped counts as without, not as cancelled."""

    figures: int
    without: int
    cancelled: int


def ends_of(run: ScrapeRun, found: Iterable[Failure]) -> Ends:
    """How `run`, counted for its page, ended so far; `found` are its failures."""
    counts = [(one.outcome, one.accounts) for one in found]
    skipped = sum(accounts for outcome, accounts in counts if outcome == Ended.SKIPPED)
    without = sum(accounts for _, accounts in counts)
    cancelled = run.cancelled_jobs - skipped
    return Ends(run.closed_jobs - cancelled - without, without, cancelled)


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
    """Active accounts on hold, without a figure since yesterday, or refused one in the last day; longest unseen first.

    Annotates `seen_at` (the instant of the newest published figure), `outcome` and `job_state` of the newest job, and
    `formerly`, the handle it had before.
    """
    former = FormerHandle.objects.filter(account=OuterRef("pk")).order_by("-retired_at", "-pk")
    newest = ScrapeJob.objects.filter(account=OuterRef("pk")).order_by("-date", "-pk")
    unseen = Q(latest=None) | Q(latest__date=None) | Q(latest__date__lt=clock.today() - timedelta(days=OVERDUE_DAYS))
    refused = _ended_lately().exclude(outcome=OK).values("account")
    late = unseen | Q(pk__in=refused, latest__date__lt=clock.today())
    rows = Account.objects.active().filter(late | ~Q(held=""))
    return rows.annotate(
        seen_at=F("latest__observed_at"),
        outcome=Subquery(newest.values("outcome")[:1]),
        job_state=Subquery(newest.values("state")[:1]),
        formerly=Subquery(former.values("handle")[:1]),
    ).order_by(Case(When(held="", then=1), default=0), F("latest__observed_at").asc(nulls_first=True), "pk")
