"""How long each record of past work is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from perf.expiring import Expired, before
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

SAMPLE_DAYS = 30
JOB_DAYS = 90
PERMIT_DAYS = (
    100  # money is counted from these, a month at a time, and calls for the longest period of the metrics page
)
HOUR_DAYS = ALERT_DAYS = 400  # a year, and as long again as it takes to compare with
KEPT = {
    "scraping.RunJob": "with its run",
    "scraping.RunTotal": "with its run",
    "scraping.Notice": "with its alert",
    "scraping.AlertMute": "a person's choices",
    "scraping.PlatformState": "one row a platform",
    "scraping.Heartbeat": "one row a process",
    "scraping.Recheck": "one row an account at most",
}


def expired() -> Iterator[Expired]:
    """What would go now: runs before their jobs, attempts before theirs, and none that was not counted."""
    attempts, jobs = before(settings.SCRAPE_ATTEMPT_DAYS), before(JOB_DAYS)
    yield Expired("attempts", settings.SCRAPE_ATTEMPT_DAYS, Attempt.objects.older_than(attempts), hours.roll_up)
    yield Expired("samples", SAMPLE_DAYS, Sample.objects.filter(taken_at__lt=before(SAMPLE_DAYS)))
    yield Expired("runs", JOB_DAYS, ScrapeRun.objects.filter(finished_at__lt=jobs))
    yield Expired("jobs", JOB_DAYS, _jobs(jobs))
    permits = PermitBlock.objects.filter(expires_at__lt=before(PERMIT_DAYS))
    yield Expired("permit blocks", PERMIT_DAYS, permits)
    yield Expired("hours of tries", HOUR_DAYS, OutcomeHour.objects.filter(hour__lt=before(HOUR_DAYS)))
    yield Expired("hours of jobs", HOUR_DAYS, JobHour.objects.filter(hour__lt=before(HOUR_DAYS)))
    yield Expired("closed alerts", ALERT_DAYS, Alert.objects.filter(closed_at__lt=before(ALERT_DAYS)))


def _jobs(instant: datetime) -> QuerySet[ScrapeJob]:
    """Closed jobs that no kept run counts and no kept attempt belongs to, each looked up: a join would read all."""
    counted, tried = (Subquery(rows.objects.filter(job=OuterRef("pk")).values("pk")[:1]) for rows in (RunJob, Attempt))
    old = ScrapeJob.objects.filter(finished_at__lt=instant).exclude(state__in=OPEN_STATES)
    return old.alias(counted=counted, tried=tried).filter(counted=None, tried=None)
