"""The ledger of promised scrapes: request, claim, sweep, steer. Every step is a row before it is anything else."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, DurationField, Exists, ExpressionWrapper, F, OuterRef, QuerySet, Value, When

from accounts.models import Account
from perf import clock
from perf.events import happened
from scraping.models import (
    OPEN_STATES,
    Heartbeat,
    JobState,
    Rank,
    RunJob,
    ScrapeJob,
    ScrapeRun,
)
from scraping.outcomes import MAX_ATTEMPTS, MAX_WORKER_DEATHS, Ended
from scraping.planning import AHEAD, join, plan

__all__ = [
    "Refused",
    "beat",
    "cancel",
    "claim",
    "pause",
    "plan",
    "request_scrape",
    "resume",
    "retry",
    "sweep",
    "waiting_platforms",
]
logger = logging.getLogger(__name__)


class Refused(Exception):
    """What was asked for cannot be done; the message is for people."""


# --- Asking -----------------------------------------------------------------------------------------


@transaction.atomic
def request_scrape(
    accounts: QuerySet[Account],
    by: Any,
    *,
    kind: str = ScrapeRun.Kind.REQUESTED,
    scope: str = ScrapeRun.Scope.ACCOUNTS,
    platform: str = "",
) -> ScrapeRun:
    """Promise a scrape of `accounts` (the active of them) now, ahead of the plan; returns the run that tells of it.

    An open job is moved to the front and joins the run, others are inserted. `by` is a user or None.
    Raises Refused when there is nothing to scrape.
    """
    # In account order, as the plan inserts: two that promise the same accounts at once then never deadlock.
    asked = Account.objects.filter(pk__in=accounts.values("pk"))
    wanted = dict(sorted(asked.scrapable().values_list("id", "platform")))
    if not wanted:
        raise Refused(_nothing(asked.on_hold().count()))
    run = ScrapeRun.objects.create(kind=kind, scope=scope, platform=platform, requested_by=by)
    now = clock.now()
    open_jobs = ScrapeJob.objects.filter(account__in=wanted).open()
    held = set(open_jobs.select_for_update().order_by("id").values_list("account_id", flat=True))
    ScrapeJob.objects.bulk_create(
        [_requested(account, wanted[account], now) for account in wanted if account not in held],
        ignore_conflicts=True,  # somebody asked for the same a moment ago
        batch_size=2_000,
    )
    open_jobs.filter(state=JobState.DUE, rank__gt=Rank.REQUESTED).update(
        rank=Rank.REQUESTED, order_at=now + AHEAD[Rank.REQUESTED], due_at=now, outcome=""
    )
    # A second look that comes too early settles nothing: as a request it will be followed by another.
    open_jobs.filter(reason=ScrapeJob.Reason.CONFIRM).update(reason=ScrapeJob.Reason.REQUESTED)
    join(run, list(open_jobs.values_list("id", flat=True)))
    happened(by, "scraping.request", f"run {run.pk}", {"scope": scope, "accounts": len(wanted), "kind": kind})
    return run


def _nothing(on_hold: int) -> str:
    """Why there is nothing to scrape, when `on_hold` of the accounts asked for wait for a decision."""
    if not on_hold:
        return "There is no active account to scrape."
    return f"Nothing to scrape: {on_hold} of these accounts are on hold until an editor decides whose they are."


def _requested(account_id: int, platform: str, now: datetime, **changes: Any) -> ScrapeJob:
    values: dict[str, Any] = {
        "date": clock.today(),
        "reason": ScrapeJob.Reason.REQUESTED,
        "rank": Rank.REQUESTED,
        "order_at": now + AHEAD[Rank.REQUESTED],
        "due_at": now,
    }
    return ScrapeJob(account_id=account_id, platform=platform, **values | changes)


# --- Claiming ---------------------------------------------------------------------------------------


def claim(platform: str, limit: int) -> list[ScrapeJob]:
    """Lease the best `limit` due jobs of `platform`, each with its account; [] when nothing is due or it is paused.

    One statement, so no job is ever claimed twice; leases and due times go by the database's clock alone.
    """
    lease = timedelta(seconds=settings.LEASE_SECONDS)
    now = clock.db_now()
    best = (
        ScrapeJob.objects.claimable(platform)
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("order_at", "due_at", "id")
        .values_list(
            "pk", now, clock.db_now(lease), ExpressionWrapper(now - F("due_at"), output_field=DurationField())
        )[:limit]
    )
    with transaction.atomic(), connection.cursor() as cursor:
        select, params = best.query.sql_with_params()
        cursor.execute(_CLAIM.format(best=select), params)
        ids = [row[0] for row in cursor.fetchall()]
    claimed = ScrapeJob.objects.filter(pk__in=ids).select_related("account").order_by("order_at", "due_at", "id")
    return list(claimed) if ids else []


# MATERIALIZED: otherwise a planner may run the selection twice and lease more than `limit`.
_CLAIM = """
WITH best (job_id, now, lease_until, waited) AS MATERIALIZED ({best})
UPDATE scraping_scrapejob AS job
SET state = 'leased', token = token + 1, lease_until = best.lease_until,
    started_at = COALESCE(job.started_at, best.now), waited = COALESCE(job.waited, best.waited)
FROM best WHERE id = job_id
RETURNING id
"""


def waiting_platforms(platforms: Iterable[str]) -> list[tuple[str, int]]:
    """Those of `platforms` that have a job to claim now, each with the rank of its best."""
    best = ((name, ScrapeJob.objects.claimable(name).order_by("order_at")) for name in platforms)
    found = ((name, jobs.values_list("rank", flat=True).first()) for name, jobs in best)
    return [(name, rank) for name, rank in found if rank is not None]


# --- Ending and sweeping ----------------------------------------------------------------------------


def finish_runs(job_ids: Collection[int] | None = None) -> int:
    """Close the open runs (of these jobs, or all) that have no open job left; returns how many.

    Called after the commit that closed a job: of two that close a run's last jobs, the later sees both. Cached answers
    were forgotten by the recording itself; the end of a run changes no figure.
    """
    runs = ScrapeRun.objects.open()
    if job_ids is not None:
        runs = runs.filter(Exists(RunJob.objects.filter(run=OuterRef("pk"), job__in=job_ids)))
    left = RunJob.objects.filter(run=OuterRef("pk"), job__state__in=OPEN_STATES)
    return runs.exclude(Exists(left)).update(state=ScrapeRun.State.DONE, finished_at=clock.db_now())


def sweep() -> int:
    """Give jobs whose lease ran out back, or give them up after too many deaths; returns how many leases ended."""
    too_many = {"worker_deaths__gte": MAX_WORKER_DEATHS - 1}, {"attempts__gte": MAX_ATTEMPTS - 1}
    with transaction.atomic():
        expired = ScrapeJob.objects.filter(state=JobState.LEASED, lease_until__lte=clock.db_now())
        ids = list(expired.select_for_update(skip_locked=True).order_by("id").values_list("id", flat=True))
        ScrapeJob.objects.filter(pk__in=ids).update(
            state=Case(*(When(**case, then=Value(JobState.DEAD)) for case in too_many), default=Value(JobState.DUE)),
            finished_at=Case(*(When(**case, then=clock.db_now()) for case in too_many), default=None),
            outcome=Ended.WORKER_DIED,
            worker_deaths=F("worker_deaths") + 1,
            attempts=F("attempts") + 1,
            lease_until=None,
        )
    finish_runs()
    return len(ids)


# --- Steering ---------------------------------------------------------------------------------------


@transaction.atomic
def cancel(run: ScrapeRun, by: Any) -> int:
    """Drop what `run` alone still waits for and close it; returns how many jobs that were.

    What is being fetched at the moment is dropped too: its result will be refused. Raises Refused for a closed run.
    """
    _change(run, ScrapeRun.State.CANCELLED, finished_at=clock.db_now())
    others = RunJob.objects.filter(job=OuterRef("pk"), run__state__in=ScrapeRun.OPEN)
    jobs = ScrapeJob.objects.filter(runjob__run=run).open().exclude(Exists(others))
    ids = list(jobs.select_for_update(of=("self",)).order_by("id").values_list("id", flat=True))
    count = ScrapeJob.objects.filter(pk__in=ids).update(
        state=JobState.CANCELLED, outcome=Ended.CANCELLED, lease_until=None, finished_at=clock.db_now()
    )
    happened(by, "scraping.cancel", f"run {run.pk}", {"jobs": count})
    return count


@transaction.atomic
def pause(run: ScrapeRun, by: Any) -> None:
    """Claim nothing more for `run` until it is resumed. Raises Refused unless it is running."""
    _change(run, ScrapeRun.State.PAUSED, only=[ScrapeRun.State.RUNNING])
    happened(by, "scraping.pause", f"run {run.pk}")


@transaction.atomic
def resume(run: ScrapeRun, by: Any) -> None:
    """Go on with a paused run. Raises Refused unless it is paused."""
    _change(run, ScrapeRun.State.RUNNING, only=[ScrapeRun.State.PAUSED])
    happened(by, "scraping.resume", f"run {run.pk}")


def _change(run: ScrapeRun, state: str, only: Collection[str] = ScrapeRun.OPEN, **also: Any) -> None:
    if not ScrapeRun.objects.filter(pk=run.pk, state__in=only).update(state=state, **also):
        run.refresh_from_db(fields=["state"])
        raise Refused(f"This run is {run.get_state_display().lower()}.")
    run.refresh_from_db(fields=["state", "finished_at"])


@transaction.atomic
def retry(job: ScrapeJob, by: Any) -> ScrapeRun:
    """Try a job that ended without a figure again, at once, as a request of `by`; returns the run that tells of it."""
    if job.state in OPEN_STATES:
        raise Refused("This job is still waiting or being fetched.")
    return request_scrape(Account.objects.filter(pk=job.account_id), by)


def beat(*processes: str) -> None:
    """Note that these kinds of process ("worker", "beat") are at work now."""
    rows = [Heartbeat(process=process, seen_at=clock.now()) for process in processes]
    Heartbeat.objects.bulk_create(rows, update_conflicts=True, unique_fields=["process"], update_fields=["seen_at"])
