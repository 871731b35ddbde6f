"""Figures about gathering over a period: outcomes, response times, waits, calls against quota, and runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import F, Max, Sum
from django.db.models.functions import Coalesce

from accounts.platforms import PLATFORMS
from perf import clock
from scraping import hours
from scraping.models import JobHour, OutcomeHour, PermitBlock, RunTotal
from scraping.outcomes import OK
from scraping.quotas import Quota, quotas_of

PERIODS: dict[str, timedelta] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
DEFAULT_PERIOD = "24h"
RUNS_SHOWN = 20  # rows of ended runs: one per run and platform
UNTRIED = "none"  # the step of what was answered without a call


@dataclass(slots=True)
class Times:
    """How long some things took, all in seconds."""

    count: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    buckets: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, bucket: int, count: int, seconds: float, slowest: float) -> None:
        """Count some that took about as long."""
        self.count += count
        self.seconds += seconds
        self.slowest = max(self.slowest, slowest)
        self.buckets[bucket] += count

    @property
    def average(self) -> float | None:
        """The mean; None without any."""
        return self.seconds / self.count if self.count else None

    @property
    def p50(self) -> float | None:
        """What half of them took at most."""
        return hours.percentile(self.buckets.items(), 0.5, self.slowest)

    @property
    def p95(self) -> float | None:
        """What 95 of 100 took at most."""
        return hours.percentile(self.buckets.items(), 0.95, self.slowest)


@dataclass(slots=True)
class PlatformMetrics:
    """One platform's period."""

    name: str
    outcomes: dict[str, int] = field(default_factory=dict)
    endpoints: dict[str, Times] = field(default_factory=dict)
    wait: Times = field(default_factory=Times)
    run: Times = field(default_factory=Times)
    calls: int = 0
    quota: Quota | None = None

    @property
    def label(self) -> str:
        """Its name for people."""
        return PLATFORMS[self.name].label

    @property
    def tries(self) -> int:
        """Tries at an account, whatever came of them."""
        return sum(self.outcomes.values())

    @property
    def succeeded(self) -> int:
        """Tries that gave what was asked for."""
        return self.outcomes.get(OK, 0)

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Outcomes with how often each came, most frequent first."""
        return sorted(self.outcomes.items(), key=lambda row: (-row[1], row[0]))


@dataclass(frozen=True, slots=True)
class Metrics:
    """All that the page and the API show. `counted_to` is the end of the newest hour that holds anything."""

    period: str
    since: datetime
    counted_to: datetime | None
    platforms: list[PlatformMetrics]
    runs: list[RunTotal]

    @property
    def timed(self) -> bool:
        """Whether any account was over in the period."""
        return any(one.run.count for one in self.platforms)


def metrics(period: str, platform: str = "") -> Metrics:
    """The figures of a key of PERIODS, in whole hours, of one platform or all that have any."""
    since = (clock.now() - PERIODS[period]).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    chosen = {"platform": platform} if platform else {}
    found: dict[str, PlatformMetrics] = {}
    _add_tries(found, since, chosen)
    _add_jobs(found, since, chosen)
    _add_calls(found, since, chosen)
    for name, quota in quotas_of(found).items():
        found[name].quota = quota
    newest = OutcomeHour.objects.filter(hour__gte=since, **chosen).aggregate(hour=Max("hour"))["hour"]
    return Metrics(
        period,
        since,
        min(newest + hours.HOUR, clock.now()) if newest else None,
        [found[name] for name in PLATFORMS if name in found],
        list(_runs(since, chosen)),
    )


def _of(found: dict[str, PlatformMetrics], name: str) -> PlatformMetrics:
    return found.setdefault(name, PlatformMetrics(name))


def _add_tries(found: dict[str, PlatformMetrics], since: datetime, chosen: Mapping[str, str]) -> None:
    rows = OutcomeHour.objects.filter(hour__gte=since, **chosen).order_by()
    grouped = rows.values_list("platform", "step", "outcome", "bucket")
    for name, step, outcome, *times in grouped.annotate(Sum("count"), Sum("seconds"), Max("slowest")):
        one = _of(found, name)
        one.outcomes[outcome] = one.outcomes.get(outcome, 0) + times[1]
        if step != UNTRIED:
            one.endpoints.setdefault(step, Times()).add(*times)


def _add_jobs(found: dict[str, PlatformMetrics], since: datetime, chosen: Mapping[str, str]) -> None:
    rows = JobHour.objects.filter(hour__gte=since, **chosen).order_by()
    grouped = rows.values_list("platform", "measure", "bucket")
    for name, measure, *times in grouped.annotate(Sum("count"), Sum("seconds"), Max("slowest")):
        getattr(_of(found, name), measure).add(*times)


def _add_calls(found: dict[str, PlatformMetrics], since: datetime, chosen: Mapping[str, str]) -> None:
    blocks = PermitBlock.objects.filter(platform__in=[*PLATFORMS], granted_at__gte=since).filter(**chosen).order_by()
    spent = blocks.values_list("platform").annotate(spent=Sum(F("calls") - Coalesce("returned", 0)))
    for name, calls in spent:
        _of(found, name).calls = calls


def _runs(since: datetime, chosen: Mapping[str, str]) -> list[RunTotal]:
    rows = RunTotal.objects.filter(run__created_at__gte=since, **chosen).select_related("run")
    return list(rows.order_by("-run__created_at", "-run_id", "platform")[:RUNS_SHOWN])
