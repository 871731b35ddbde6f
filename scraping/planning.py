"""The nightly plan: which day it is for, when each account is due, and who goes first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from itertools import islice
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Account
from perf import clock
from scraping.models import OPEN_STATES, JobState, Rank, RunJob, ScrapeJob, ScrapeRun
from snapshots.models import LatestSnapshot

CHUNK = 2_000  # jobs per transaction: short enough for SQLite's single writer

# Claims go by order_at = the day's start (or the moment of the request) + this. Differences of ranks are thus
# differences of waiting time: a job of a lower rank that has waited longer than that goes first, so nothing starves.
AHEAD: dict[int, timedelta] = {
    Rank.REQUESTED: timedelta(days=-7),
    Rank.CORE: timedelta(0),
    Rank.RETRY: timedelta(hours=6),
    Rank.ACTIVE: timedelta(hours=12),
    Rank.REST: timedelta(hours=18),
}


@dataclass(frozen=True, slots=True)
class Night:
    """When the scrapes of one day may start."""

    day: date
    start: datetime
    end: datetime

    @classmethod
    def of(cls, day: date) -> Night:
        """The window of `day` by SCRAPE_WINDOW ("02:00-05:00"; "23:00-02:00" ends on the next day) in TIME_ZONE.

        Raises ImproperlyConfigured when the setting cannot be read.
        """
        try:
            first, last = (time.fromisoformat(part.strip()) for part in settings.SCRAPE_WINDOW.split("-"))
        except ValueError as error:
            message = f"SCRAPE_WINDOW must look like 02:00-05:00, not {settings.SCRAPE_WINDOW!r}."
            raise ImproperlyConfigured(message) from error
        zone = ZoneInfo(settings.TIME_ZONE)
        start, end = datetime.combine(day, first, zone), datetime.combine(day, last, zone)
        return cls(day, start, end if last > first else end + timedelta(days=1))

    def starts(self, account_id: int) -> datetime:
        """When `account_id` is due: the same moment of every night, spread evenly over the accounts."""
        share = int.from_bytes(sha256(str(account_id).encode()).digest()[:8]) / 2**64
        return self.start + (self.end - self.start) * share

    def order(self, rank: int) -> datetime:
        """The `order_at` of this day's jobs of `rank`."""
        return datetime.combine(self.day, time(0), ZoneInfo(settings.TIME_ZONE)) + AHEAD[rank]


def plan(day: date | None = None) -> int:
    """Insert what is missing of the plan for `day` (today in TIME_ZONE) and return how many jobs that were.

    Level-triggered: any number of planners at once, or none for hours, come to the same rows.
    """
    night = Night.of(day or clock.today())
    _carry_over(night)
    planned = 0
    missing = _missing(night.day)
    while chunk := list(missing[:CHUNK]):
        inserted = _insert(night, chunk)
        planned += inserted
        if not inserted:
            break  # somebody else is planning, or this day's plan was cancelled
    return planned


def _missing(day: date) -> QuerySet[Account]:
    """Accounts to scrape without a planned job for `day`, without an open job and not yet scraped on it."""
    jobs = ScrapeJob.objects.filter(account=OuterRef("pk"))
    moved = LatestSnapshot.objects.filter(Q(change_7__lt=0) | Q(change_7__gt=0), account=OuterRef("pk"))
    missing: QuerySet[Account] = (
        Account.objects.scrapable()
        .exclude(Exists(jobs.filter(state__in=OPEN_STATES)))
        .exclude(Exists(jobs.filter(date=day).filter(Q(reason=ScrapeJob.Reason.PLANNED) | Q(state=JobState.DONE))))
        .annotate(changes=Exists(moved))
        .only("id", "platform", "is_core")
        .order_by("id")
    )
    return missing


def rank_of(account: Account) -> Rank:
    """An account's place in the plan; `changes` is annotated: its followers moved within a week."""
    if account.is_core:
        return Rank.CORE
    return Rank.ACTIVE if account.changes else Rank.REST  # type: ignore[attr-defined]  # annotated by _missing


@transaction.atomic
def _insert(night: Night, accounts: Sequence[Account]) -> int:
    run = _run_of(night.day)
    if run is None:
        return 0
    ranks = [rank_of(account) for account in accounts]
    jobs = [
        ScrapeJob(
            account_id=account.pk,
            platform=account.platform,
            date=night.day,
            reason=ScrapeJob.Reason.PLANNED,
            rank=rank,
            order_at=night.order(rank),
            due_at=night.starts(account.pk),
        )
        for account, rank in zip(accounts, ranks, strict=True)
    ]
    ScrapeJob.objects.bulk_create(jobs, ignore_conflicts=True)
    ids = [account.pk for account in accounts]
    made = ScrapeJob.objects.filter(account__in=ids, date=night.day, reason=ScrapeJob.Reason.PLANNED)
    return join(run, made.exclude(runjob__run=run).values_list("id", flat=True))


def _run_of(day: date) -> ScrapeRun | None:
    """The open run of `day`'s plan, made or opened again when needed; None when a person cancelled it."""
    fresh = ScrapeRun(kind=ScrapeRun.Kind.PLANNED, scope=ScrapeRun.Scope.ALL, date=day)
    ScrapeRun.objects.bulk_create([fresh], ignore_conflicts=True)
    runs = ScrapeRun.objects.filter(kind=ScrapeRun.Kind.PLANNED, date=day)
    runs.filter(state=ScrapeRun.State.DONE).update(state=ScrapeRun.State.RUNNING, finished_at=None)
    return runs.open().first()


@transaction.atomic
def _carry_over(night: Night) -> None:
    """Give jobs that were left over the day that it is now: what is seen today is not yesterday's figure.

    They keep their place in the queue, so what could not be done on one day goes first on the next.
    """
    day = night.day if clock.now() >= night.start else night.day - timedelta(days=1)
    late = ScrapeJob.objects.filter(state=JobState.DUE, date__lt=day)
    held = dict(late.select_for_update().order_by("id").values_list("id", "reason"))  # in the order all writers lock in
    for chunk in _chunks(held):
        ScrapeJob.objects.filter(pk__in=chunk).update(date=day)
    ids = [pk for pk, reason in held.items() if reason == ScrapeJob.Reason.PLANNED]
    if ids and day == night.day and (run := _run_of(day)):
        join(run, ids)


def join(run: ScrapeRun, job_ids: Iterable[int]) -> int:
    """Make `run` wait for these jobs too; returns how many there are."""
    count = 0
    for chunk in _chunks(job_ids):
        RunJob.objects.bulk_create([RunJob(run=run, job_id=pk) for pk in chunk], ignore_conflicts=True)
        count += len(chunk)
    return count


def _chunks(rows: Iterable[int]) -> Iterator[list[int]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk
