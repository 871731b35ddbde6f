"""Hours of figures about gathering, counted from attempts and jobs; they outlive both.

Level-triggered: counting an hour again gives the same rows, and what came late is counted with the next round.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import (
    Avg,
    Case,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    FloatField,
    Func,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Ceil, Greatest, Ln, TruncHour

from accounts.platforms import PLATFORMS
from perf import clock
from scraping.models import Attempt, Bucketed, JobHour, JobState, OutcomeHour, RunJob, RunTotal, ScrapeJob, ScrapeRun
from scraping.outcomes import OK

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)  # what one query counts
LATE = 2 * HOUR  # how long after its start an attempt may still be recorded: far more than any lease
SHORTEST = 0.01  # seconds; the scale's first bucket ends here ...
STEP = 1.5  # ... and each further one is this much longer, so that a percentile is exact to a fifth
FAILED = (JobState.FAILED, JobState.DEAD)
SAME = ("platform", "step", "hour", "outcome", "bucket")
ROWS = 500  # per statement

First = Callable[[datetime | None], datetime | None]  # the first row at or after an instant, or of all


class Seconds(Func):
    """A duration in seconds, as a float, on both databases."""

    template = "EXTRACT(EPOCH FROM (%(expressions)s))::double precision"
    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return super().as_sql(compiler, connection, template="((%(expressions)s) / 1000000.0)", **context)


def bucket(seconds: Any) -> Any:
    """The bucket of an expression in seconds."""
    at_least = Greatest(seconds, Value(SHORTEST), output_field=FloatField())
    exponent = Ceil(Ln(at_least / Value(SHORTEST)) / Value(math.log(STEP)) - Value(1e-9))
    return Cast(exponent, IntegerField())


def upper(number: int) -> float:
    """The longest that fits into bucket `number`, in seconds."""
    return float(SHORTEST * STEP**number)


def percentile(counts: Iterable[tuple[int, int]], share: float, slowest: float) -> float | None:
    """The time that `share` (0 to 1) of the counted took at most, in seconds; None without any.

    `counts` are (bucket, count). Within a bucket the counted are taken as spread evenly.
    """
    ordered = sorted(counts)
    wanted = share * sum(count for _, count in ordered)
    for number, count in ordered:
        if count and wanted <= count:
            low = upper(number - 1) if number else 0.0
            return min(low + (upper(number) - low) * wanted / count, slowest)
        wanted -= count
    return slowest if ordered else None


def roll_up() -> int:
    """Count what has come since the last time, and the last LATE again; returns how many rows were written."""
    rows = 0
    for start, end in _spans(OutcomeHour, _first_attempt):
        rows += _store(OutcomeHour, _tries(start, end), SAME)
    for start, end in _spans(JobHour, _first_job):
        for measure, seconds in MEASURES.items():
            rows += _store(JobHour, _jobs(start, end, measure, seconds), ("platform", "measure", "hour", "bucket"))
    return rows + _total_runs()


def _spans(model: type[Bucketed], first: First) -> Iterator[tuple[datetime, datetime]]:
    """What is to be counted, a day at a time: from LATE before the newest hour counted, or the beginning, to now."""
    newest = model._default_manager.aggregate(newest=Max("hour"))["newest"]
    # Not from the future, where a worker's wrong clock may have put a try: the hours until then are still to come.
    begin = min(newest, clock.db_instant()) - LATE if newest else None
    while (found := first(begin)) is not None:
        begin = found.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        yield begin, begin + DAY
        begin += DAY


def _first_attempt(since: datetime | None) -> datetime | None:
    tries = [Attempt.objects.filter(platform=name).order_by("started_at") for name in PLATFORMS]
    later = [rows.filter(started_at__gte=since) if since else rows for rows in tries]
    return min(filter(None, (rows.values_list("started_at", flat=True).first() for rows in later)), default=None)


def _first_job(since: datetime | None) -> datetime | None:
    ended = ScrapeJob.objects.filter(finished_at__isnull=False).order_by("finished_at")
    later = ended.filter(finished_at__gte=since) if since else ended
    return later.values_list("finished_at", flat=True).first()


def _tries(start: datetime, end: datetime) -> QuerySet[Any, dict[str, Any]]:
    """Attempts of [start, end) by SAME."""
    tried = Attempt.objects.filter(platform__in=[*PLATFORMS], started_at__gte=start, started_at__lt=end)
    hours = tried.annotate(hour=TruncHour("started_at", tzinfo=UTC), took=F("seconds"), bucket=bucket(F("seconds")))
    return _grouped(hours, SAME)


MEASURES = {
    JobHour.Measure.WAIT: Seconds(F("waited")),
    JobHour.Measure.RUN: Seconds(ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())),
}


def _jobs(start: datetime, end: datetime, measure: str, seconds: Seconds) -> QuerySet[Any, dict[str, Any]]:
    """Jobs that ended in [start, end), cancelled ones apart, by platform, hour and bucket of one measure."""
    ended = ScrapeJob.objects.filter(finished_at__gte=start, finished_at__lt=end, started_at__isnull=False)
    hours = ended.exclude(state=JobState.CANCELLED).annotate(
        hour=TruncHour("finished_at", tzinfo=UTC), took=seconds, bucket=bucket(seconds), measure=Value(measure)
    )
    return _grouped(hours, ("platform", "measure", "hour", "bucket"))


def _grouped(rows: QuerySet[Any], by: Sequence[str]) -> QuerySet[Any, dict[str, Any]]:
    figures = {"count": Count("pk"), "total": Sum("took"), "slowest": Max("took")}
    grouped: QuerySet[Any, dict[str, Any]] = rows.order_by().values(*by).annotate(**figures)
    return grouped


@transaction.atomic
def _store(model: type[Bucketed], rows: QuerySet[Any, dict[str, Any]], same: Sequence[str]) -> int:
    """Write `rows`, over what was there, in one order, so that two who count at once do not block each other."""
    made = [model(**{name: row[name] for name in (*same, "count", "slowest")}, seconds=row["total"]) for row in rows]
    made.sort(key=lambda row: [getattr(row, name) for name in same])
    model._default_manager.bulk_create(
        made,
        batch_size=ROWS,
        update_conflicts=True,
        unique_fields=list(same),
        update_fields=["count", "seconds", "slowest"],
    )
    return len(made)


def _total_runs() -> int:
    """Write the totals of runs that ended since, and again of those that ended within LATE."""
    ended = ScrapeRun.objects.filter(Exists(RunJob.objects.filter(run=OuterRef("pk"))), finished_at__isnull=False)
    totalled = Exists(RunTotal.objects.filter(run=OuterRef("pk")))
    ended = ended.filter(Q(finished_at__gte=clock.now() - LATE) | ~totalled)
    return sum(_total(pk) for pk in ended.order_by("pk").values_list("pk", flat=True))


def _total(run_id: int) -> int:
    jobs = ScrapeJob.objects.filter(pk__in=RunJob.objects.filter(run=run_id).values("job"))
    rows: QuerySet[Any, Any] = (
        jobs.order_by()
        .values("platform")
        .annotate(
            jobs=Count("pk"),
            figures=Count("pk", filter=Q(state=JobState.DONE, outcome=OK)),
            failed=Count("pk", filter=Q(state__in=FAILED)),
            cancelled=Count("pk", filter=Q(state=JobState.CANCELLED)),
            waited_seconds=Avg(Seconds(F("waited"))),
            ran_seconds=Avg(Case(When(started_at__isnull=False, then=MEASURES[JobHour.Measure.RUN]))),
        )
    )
    figures = ("jobs", "figures", "failed", "cancelled")
    totals = [
        RunTotal(
            run_id=run_id,
            platform=row["platform"],
            waited=row["waited_seconds"],
            ran=row["ran_seconds"],
            **{name: row[name] for name in figures},
        )
        for row in rows
    ]
    RunTotal.objects.bulk_create(
        totals,
        update_conflicts=True,
        unique_fields=["run", "platform"],
        update_fields=[*figures, "waited", "ran"],
    )
    return len(totals)
