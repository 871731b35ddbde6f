"""How one account stands with gathering: what is promised for it, what is done for it now, and what came of that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings

from accounts.models import Account
from perf import clock
from scraping import freshness
from scraping.condition import conditions
from scraping.models import JobState, Recheck, ScrapeJob, ScrapeRun
from scraping.outcomes import OK, SUSPECT
from snapshots.models import Snapshot


@dataclass(frozen=True, slots=True)
class Promise:
    """A new figure within `hours` of the one of `seen_at`; `late` says why that was not kept."""

    tier: freshness.Tier
    hours: int
    seen_at: datetime | None
    late: freshness.Late | None

    @property
    def due_at(self) -> datetime | None:
        """By when the next figure is promised; None while there is none yet."""
        return self.seen_at and self.seen_at + timedelta(hours=self.hours)

    @property
    def why(self) -> str:
        """Why it is late, without a full stop; empty while it is kept."""
        return self.late.why.rstrip(".") if self.late else ""


@dataclass(frozen=True, slots=True)
class Found:
    """The figure that a fetch brought: the day it is for, and how it differs from the one before, if there is one."""

    day: date
    followers: int | None
    rounded: bool
    change: int | None
    since: date | None


@dataclass(frozen=True, slots=True)
class Progress:
    """One fetch of the account: its job, the run that asked for it, and what it brought once it is over."""

    job: ScrapeJob
    run: ScrapeRun | None
    found: Found | None

    @property
    def is_open(self) -> bool:
        """Whether it is still to end."""
        return self.job.state in (JobState.DUE, JobState.LEASED)

    @property
    def waits_until(self) -> datetime | None:
        """Until when it may not be fetched; None when it is only in the queue."""
        until = self.job.waits_until
        return until if until and until > clock.now() else None

    @property
    def may_cancel(self) -> bool:
        """Whether the run can be cancelled without taking other accounts with it."""
        return self.is_open and self.run is not None and self.run.is_open and self.run.total_jobs == 1

    @property
    def kind(self) -> str:
        """What came of it, in one word: open, stored, doubted, cancelled or without (a figure)."""
        if self.is_open:
            return "open"
        if self.job.state == JobState.CANCELLED:
            return "cancelled"
        return {OK: "stored", SUSPECT: "doubted"}.get(self.job.outcome, "without")


def promise_for(account: Account) -> Promise | None:
    """What is promised for `account`; None for one that nothing is fetched for."""
    row = freshness.tiered().filter(pk=account.pk).values_list("tier", "latest__observed_at").first()
    if row is None:
        return None
    tier, seen_at = freshness.Tier(row[0]), row[1]
    late = list(freshness.outside().filter(pk=account.pk))
    explained = freshness.explained(late, conditions([account.platform])) if late else []
    return Promise(tier, settings.FRESHNESS_HOURS[tier], seen_at, explained[0] if explained else None)


def progress_of(account: Account, run_id: int | None = None) -> Progress | None:
    """The fetch of `account` in a run, or without one the fetch that is open now; None when there is none."""
    jobs = ScrapeJob.objects.filter(account=account).with_reasons()
    job = (jobs.filter(runjob__run=run_id) if run_id else jobs.open()).order_by("-pk").first()
    if job is None:
        return None
    runs = ScrapeRun.objects.filter(runjob__job=job).for_runs_page()
    run = (runs.filter(pk=run_id) if run_id else runs.filter(state__in=ScrapeRun.OPEN)).first()
    return Progress(job, run, _found(job) if job.outcome == OK and job.state == JobState.DONE else None)


def _found(job: ScrapeJob) -> Found | None:
    """The published figure of the job's day against the newest one before."""
    rows = Snapshot.objects.published().filter(account=job.account_id, date__lte=job.date).order_by("-date")[:2]
    if not rows or rows[0].date != job.date:
        return None
    new, before = rows[0], rows[1] if len(rows) > 1 else None
    known = before is not None and before.followers is not None and new.followers is not None
    change = new.followers - before.followers if known else None  # type: ignore[operator, union-attr]  # `known` says so
    return Found(new.date, new.followers, new.followers_rounded, change, before.date if before and known else None)


def next_try(account: Account) -> datetime | date | None:
    """When `account` is asked for next: an instant of an open job, a day of a rarer plan; None for the next plan."""
    if job := ScrapeJob.objects.filter(account=account).open().with_reasons().first():
        return job.waits_until or clock.now()
    return Recheck.objects.filter(account=account, next_on__gt=clock.today()).values_list("next_on", flat=True).first()
