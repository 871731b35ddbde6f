"""How long each record of past work is kept, and deleting what is older, a little at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from perf import clock
from scraping import hours
from scraping.models import (
    OPEN_STATES,
    Alert,
    Attempt,
    JobHour,
    OutcomeHour,
    PermitBlock,
    RunJob,
    Sample,
    ScrapeJob,
    ScrapeRun,
)
from snapshots.models import ExportJob

CHUNK = 1_000  # rows per transaction: no lock lasts, and SQLite's one writer is free again soon
PRUNE_SECONDS = 200.0  # of one daily round; what is left goes the next day
SAMPLE_DAYS = 30
JOB_DAYS = 90
PERMIT_DAYS = (
    100  # money is counted from these, a month at a time, and calls for the longest period of the metrics page
)
EXPORT_DAYS = 30  # their files go long before: see EXPORT_KEEP_HOURS
HOUR_DAYS = ALERT_DAYS = 400  # a year, and as long again as it takes to compare with


@dataclass(frozen=True, slots=True)
class Expired:
    """Rows of one kind that are older than they are kept."""

    name: str
    days: int
    rows: QuerySet[Any]


def expired() -> Iterator[Expired]:
    """What would go now, in the order it has to go: runs before their jobs, attempts before theirs."""
    attempts, jobs = _before(settings.SCRAPE_ATTEMPT_DAYS), _before(JOB_DAYS)
    yield Expired("attempts", settings.SCRAPE_ATTEMPT_DAYS, Attempt.objects.older_than(attempts))
    yield Expired("samples", SAMPLE_DAYS, Sample.objects.filter(taken_at__lt=_before(SAMPLE_DAYS)))
    yield Expired("runs", JOB_DAYS, ScrapeRun.objects.filter(finished_at__lt=jobs))
    yield Expired("jobs", JOB_DAYS, _jobs(jobs))
    exports = ExportJob.objects.filter(ended_at__lt=_before(EXPORT_DAYS))
    yield Expired("exports", EXPORT_DAYS, exports)
    permits = PermitBlock.objects.filter(expires_at__lt=_before(PERMIT_DAYS))
    yield Expired("permit blocks", PERMIT_DAYS, permits)
    yield Expired("hours of tries", HOUR_DAYS, OutcomeHour.objects.filter(hour__lt=_before(HOUR_DAYS)))
    yield Expired("hours of jobs", HOUR_DAYS, JobHour.objects.filter(hour__lt=_before(HOUR_DAYS)))
    yield Expired("closed alerts", ALERT_DAYS, Alert.objects.filter(closed_at__lt=_before(ALERT_DAYS)))


def _before(days: int) -> datetime:
    """The hour that began `days` ago: an hour is kept whole or not at all, so that it never counts half.

    By the database's clock: a worker whose clock is wrong deletes nothing too early.
    """
    return (clock.db_instant() - timedelta(days=days)).astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _jobs(before: datetime) -> QuerySet[ScrapeJob]:
    """Closed jobs that no kept run counts and no kept attempt belongs to, each looked up: a join would read all."""
    counted, tried = (Subquery(rows.objects.filter(job=OuterRef("pk")).values("pk")[:1]) for rows in (RunJob, Attempt))
    old = ScrapeJob.objects.filter(finished_at__lt=before).exclude(state__in=OPEN_STATES)
    return old.alias(counted=counted, tried=tried).filter(counted=None, tried=None)


def prune(until: float | None = None) -> dict[str, int]:
    """Delete what is expired, until `until` (monotonic seconds) or all of it; returns how many rows went, by name.

    Counts the hours first: no attempt goes that was not counted.
    """
    hours.roll_up()
    deadline = monotonic() + PRUNE_SECONDS if until is None else until
    return {kind.name: _delete(kind.rows, deadline) for kind in expired()}


def _delete(rows: QuerySet[Any], deadline: float) -> int:
    gone = 0
    while monotonic() < deadline and (ids := list(rows.values_list("pk", flat=True)[:CHUNK])):
        rows.model._default_manager.filter(pk__in=ids).delete()
        gone += len(ids)
    return gone
