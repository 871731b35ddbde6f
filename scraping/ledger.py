"""The ledger of promised scrapes: request, claim, sweep, steer. Every step is a row before it is anything else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import (
    Case,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Least

from accounts.models import Account
from perf import clock
from perf.events import happened
from scraping import pauses
from scraping.models import (
    OPEN_STATES,
    Heartbeat,
    JobState,
    PlatformState,
    Rank,
    RunJob,
    ScrapeJob,
    ScrapeRun,
)
from scraping.models.jobs import ScrapeJobQuerySet
from scraping.outcomes import MAX_ATTEMPTS, MAX_WORKER_DEATHS, Ended
from scraping.planning import AHEAD, CHUNK, chunks, hand_over, join, plan, rank_of, with_changes

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
    mode: str = ScrapeRun.Mode.FULL,
) -> ScrapeRun:
    """Promise a scrape of `accounts` (the active of them) now, ahead of the plan; returns the run that tells of it.

    An open job is moved to the front and joins the run, others are inserted. Chosen accounts go before all others, a
    platform's or all go as the plan ranks them. `by` is a user or None. The mode says for how long the run waits, see
    ScrapeRun.PATIENCE; a demo takes five accounts, core accounts first.
    Accounts on hold are left out and counted in the run. Raises Refused when there is nothing to scrape.
    """
    asked = Account.objects.filter(pk__in=accounts.values("pk"))
    on_hold, now = asked.on_hold().count(), clock.db_instant()
    chosen: QuerySet[Account] = asked.scrapable().order_by("-is_core", "pk").only("id", "platform", "is_core")
    if scope != ScrapeRun.Scope.ACCOUNTS:
        chosen = with_changes(chosen, _day_of(now))
    found = chosen[: ScrapeRun.DEMO_ACCOUNTS] if mode == ScrapeRun.Mode.DEMO else chosen
    # In account order, as the plan inserts: two that promise the same accounts at once then never deadlock.
    wanted = {one.pk: (one.platform, now + _ahead(one, scope)) for one in sorted(found, key=lambda one: one.pk)}
    if not wanted:
        raise Refused(_nothing(on_hold))
    asker = {"requested_by": by, "created_at": now, "left_out": on_hold}
    run = ScrapeRun.objects.create(kind=kind, scope=scope, platform=platform, mode=mode, **asker)
    join(run, _promise(wanted, now))
    detail = {"scope": scope, "accounts": len(wanted), "kind": kind, "mode": mode, "on_hold": on_hold}
    happened(by, "scraping.request", f"run {run.pk}", detail)
    return run


def _ahead(account: Account, scope: str) -> timedelta:
    """Where a request puts an account. All of a platform at once stand a day behind accounts that somebody chose."""
    if scope == ScrapeRun.Scope.ACCOUNTS:
        return AHEAD[Rank.REQUESTED]
    return AHEAD[Rank.REQUESTED] + timedelta(days=1) + AHEAD[rank_of(account)]


def _promise(wanted: Mapping[int, tuple[str, datetime]], now: datetime) -> list[int]:
    """Insert a job for each account (id → platform, place) that has none open, move the open ones up; the jobs' ids."""
    open_jobs = ScrapeJob.objects.filter(account__among=wanted).open()
    held = set(open_jobs.select_for_update().order_by("id").values_list("account_id", flat=True))
    for chunk in chunks(account for account in wanted if account not in held):
        jobs = [_requested(account, *wanted[account], now) for account in chunk]
        ScrapeJob.objects.bulk_create(jobs, ignore_conflicts=True)  # somebody asked for the same a moment ago
    waiting = open_jobs.filter(state=JobState.DUE)
    for place in {place for _, place in wanted.values()}:
        here = waiting.filter(account__among=[account for account in wanted if wanted[account][1] == place])
        behind = here.filter(Q(rank__gt=Rank.REQUESTED) | Q(order_at__gt=place))
        behind.update(rank=Rank.REQUESTED, order_at=Least("order_at", Value(place)))
    waiting.filter(due_at__gt=now).update(due_at=now, outcome="")
    # A second look that comes too early settles nothing: as a request it will be followed by another.
    open_jobs.filter(reason=ScrapeJob.Reason.CONFIRM).update(reason=ScrapeJob.Reason.REQUESTED)
    return list(open_jobs.values_list("id", flat=True))


def _requested(account_id: int, platform: str, place: datetime, now: datetime) -> ScrapeJob:
    return ScrapeJob(
        account_id=account_id,
        platform=platform,
        date=_day_of(now),
        reason=ScrapeJob.Reason.REQUESTED,
        rank=Rank.REQUESTED,
        order_at=place,
        due_at=now,
    )


def _day_of(now: datetime) -> date:
    return now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def _nothing(on_hold: int) -> str:
    """Why there is nothing to scrape, when `on_hold` of the accounts asked for wait for a decision."""
    if not on_hold:
        return "There is no active account to scrape."
    return f"Nothing to scrape: {on_hold} of these accounts are on hold until an editor decides whose they are."


# --- Claiming ---------------------------------------------------------------------------------------


def claim(platform: str, limit: int) -> list[ScrapeJob]:
    """Lease the best `limit` due jobs of `platform`, each with its account; [] when nothing is due or it is paused.

    One statement, so no job is ever claimed twice; leases and due times go by the database's clock alone. A platform
    that rested after failures is tried with one job first.
    """
    broken = PlatformState.objects.filter(platform=platform, host="").broken()
    ids = _lease(ScrapeJob.objects.claimable(platform).filter(~Exists(broken)), limit) or _probe(platform)
    jobs = list(ScrapeJob.objects.filter(pk__among=ids))
    owners = Account.objects.filter(pk__among={job.account_id for job in jobs})  # a join would scan all accounts
    accounts = {account.pk: account for account in owners}
    jobs = [job for job in jobs if job.account_id in accounts]  # a deleted account took its job with it
    for job in jobs:
        job.account = accounts[job.account_id]
    return sorted(jobs, key=lambda job: (job.order_at, job.due_at, job.pk))


def _lease(jobs: ScrapeJobQuerySet, limit: int) -> list[int]:
    """Lease the best `limit` of `jobs`; their ids."""
    now = clock.db_now()
    waited = ExpressionWrapper(now - F("due_at"), output_field=DurationField())
    best = (
        jobs.select_for_update(skip_locked=True, of=("self",))
        .order_by("order_at", "due_at", "id")
        .values_list("pk", now, clock.db_now(timedelta(seconds=settings.LEASE_SECONDS)), waited)[:limit]
    )
    with transaction.atomic(), connection.cursor() as cursor:
        select, params = best.query.sql_with_params()
        cursor.execute(_CLAIM.format(best=select), params)
        return [row[0] for row in cursor.fetchall()]


def _probe(platform: str) -> list[int]:
    """Lease the best job of a platform whose rest after failures is over, if this worker is the one to try it."""
    with transaction.atomic():
        ids = _lease(ScrapeJob.objects.due(platform), 1) if pauses.probe(platform) else []
        if not ids:
            transaction.set_rollback(True)
    return ids


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
        runs = runs.filter(Exists(RunJob.objects.filter(run=OuterRef("pk"), job__among=job_ids)))
    left = RunJob.objects.filter(run=OuterRef("pk"), job__state__in=OPEN_STATES)
    # The first open job of each run: an EXISTS would be planned as a join with all of them.
    return runs.annotate(left=Subquery(left.values("pk")[:1])).filter(left=None).close(ScrapeRun.State.DONE)


def sweep() -> int:
    """Give jobs whose lease ran out back, or give them up after too many deaths; returns how many leases ended."""
    ended = 0
    while swept := _sweep():
        ended += swept
    finish_runs()
    return ended


@transaction.atomic
def _sweep() -> int:
    too_many = {"worker_deaths__gte": MAX_WORKER_DEATHS - 1}, {"attempts__gte": MAX_ATTEMPTS - 1}
    over = clock.lease_over("lease_until", timedelta(seconds=settings.LEASE_SECONDS))
    expired = ScrapeJob.objects.filter(over, state=JobState.LEASED)
    rows = expired.select_for_update(skip_locked=True).order_by("id").values_list("id", flat=True)
    ids = list(rows[:CHUNK])
    ScrapeJob.objects.filter(pk__in=ids).update(
        state=Case(*(When(**case, then=Value(JobState.DEAD)) for case in too_many), default=Value(JobState.DUE)),
        finished_at=Case(*(When(**case, then=clock.db_now()) for case in too_many), default=None),
        outcome=Ended.WORKER_DIED,
        worker_deaths=F("worker_deaths") + 1,
        attempts=F("attempts") + 1,
        lease_until=None,
    )
    return len(ids)


# --- Steering ---------------------------------------------------------------------------------------


@transaction.atomic
def cancel(run: ScrapeRun, by: Any) -> int:
    """Drop what `run` alone still waits for and close it; returns how many jobs that were.

    What is being fetched at the moment is dropped too: its result will be refused. What another run waits for goes on
    there. Raises Refused for a closed run.
    """
    _change(run, ScrapeRun.State.CANCELLED, finished_at=clock.db_now())
    jobs = ScrapeJob.objects.filter(runjob__run=run).open().wanted_only_by(run)
    ids = list(jobs.select_for_update(of=("self",)).order_by("id").values_list("id", flat=True))
    count = 0
    for chunk in chunks(ids):
        # Looked at again now that nobody can change them: a new run may have come to want one meanwhile.
        count += (
            ScrapeJob.objects.filter(pk__among=chunk)
            .wanted_only_by(run)
            .update(state=JobState.CANCELLED, outcome=Ended.CANCELLED, lease_until=None, finished_at=clock.db_now())
        )
    while hand_over(run, RunJob.objects.filter(run=run, job__state__in=OPEN_STATES)):
        pass
    ScrapeRun.objects.filter(pk=run.pk).close(ScrapeRun.State.CANCELLED)
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
    rows = [Heartbeat(process=process, seen_at=clock.db_now()) for process in processes]
    Heartbeat.objects.bulk_create(rows, update_conflicts=True, unique_fields=["process"], update_fields=["seen_at"])
