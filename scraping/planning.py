"""The nightly plan: which day it is for, when each account is due, and who goes first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from itertools import islice
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from accounts.models import Account
from accounts.platforms import PLATFORMS
from perf import clock
from scraping.connectors import connector_for
from scraping.connectors.base import Connector
from scraping.models import OPEN_STATES, JobState, Rank, Recheck, RunJob, ScrapeJob, ScrapeRun
from scraping.outcomes import UNREADABLE
from snapshots.models import Snapshot

CHUNK = 2_000  # jobs per transaction: short enough for SQLite's single writer
ACTIVE = timedelta(days=8)  # a change since then counts as recent: the newest figure against the week before it

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

        It is as long as that says on the days of the year when the clocks are changed, too: an hour of the night that
        is left out or comes twice would make it nothing, or crowd its accounts into what is left. Raises
        ImproperlyConfigured when the setting cannot be read.
        """
        try:
            first, last = (time.fromisoformat(part.strip()) for part in settings.SCRAPE_WINDOW.split("-"))
        except ValueError as error:
            message = f"SCRAPE_WINDOW must look like 02:00-05:00, not {settings.SCRAPE_WINDOW!r}."
            raise ImproperlyConfigured(message) from error
        zone = ZoneInfo(settings.TIME_ZONE)
        start = datetime.combine(day, first, zone).astimezone(UTC)
        length = datetime.combine(day, last) - datetime.combine(day, first)
        end = start + (length if last > first else length + timedelta(days=1))
        return cls(day, start.astimezone(zone), end.astimezone(zone))

    def starts(self, account_id: int) -> datetime:
        """When `account_id` is due: the same moment of every night, spread evenly over the accounts."""
        share = int.from_bytes(sha256(str(account_id).encode()).digest()[:8]) / 2**64
        start, end = self.start.astimezone(UTC), self.end.astimezone(UTC)  # of one zone, they count by its wall clock
        return start + (end - start) * share

    def order(self, rank: int) -> datetime:
        """The `order_at` of this day's jobs of `rank`."""
        return datetime.combine(self.day, time(0), ZoneInfo(settings.TIME_ZONE)).astimezone(UTC) + AHEAD[rank]


def plan(day: date | None = None) -> int:
    """Insert what is missing of the plan for `day` (today in TIME_ZONE) and return how many jobs that were.

    Level-triggered: any number of planners at once, or none for hours, come to the same rows. The database says what
    day it is, so a beat whose clock is wrong plans nothing for another.
    """
    now = clock.db_instant()
    night = Night.of(day or now.astimezone(ZoneInfo(settings.TIME_ZONE)).date())
    _carry_over(night, now)
    _revive(night)
    planned = after = 0
    while chunk := list(_missing(night.day).filter(pk__gt=after)[:CHUNK]):
        if (run := _run_of(night.day)) is None:
            break  # somebody cancelled this day's plan
        planned += _insert(night, run, chunk)
        after = chunk[-1].pk
    if planned:
        _keep_open(night.day)
    return planned


def _keep_open(day: date) -> None:
    """Open the plan of `day` again if it was closed just before jobs were promised in it."""
    left = RunJob.objects.filter(run=OuterRef("pk"), job__state__in=OPEN_STATES)
    done = ScrapeRun.objects.filter(kind=ScrapeRun.Kind.PLANNED, date=day, state=ScrapeRun.State.DONE)
    _reopen(done.alias(left=Subquery(left.values("pk")[:1])).exclude(left=None))


def _reopen(runs: QuerySet[ScrapeRun]) -> None:
    runs.update(state=ScrapeRun.State.RUNNING, finished_at=None, counted=None)


def _missing(day: date) -> QuerySet[Account]:
    """Unread accounts that nothing is promised for."""
    promised = ScrapeJob.objects.filter(account=OuterRef("pk"), state__in=OPEN_STATES)
    return unread(day).exclude(Exists(promised)).only("id", "platform", "is_core")


def unread(day: date) -> QuerySet[Account]:
    """Accounts to scrape that were neither read nor given up on `day` nor put off beyond it; `changes` for rank_of."""
    ended = ScrapeJob.objects.filter(account=OuterRef("pk"), date=day).exclude(state__in=OPEN_STATES)
    accounts: QuerySet[Account] = (
        Account.objects.scrapable()
        .exclude(Exists(ended.filter(Q(reason=ScrapeJob.Reason.PLANNED) | Q(state=JobState.DONE))))
        .exclude(Exists(Recheck.objects.filter(account=OuterRef("pk"), next_on__gt=day)))
    )
    return with_changes(accounts, day).order_by("id")


def with_changes(accounts: QuerySet[Account], day: date) -> QuerySet[Account]:
    """`accounts` with `changes` as of `day`, which rank_of needs."""
    changed: QuerySet[Account] = accounts.annotate(changes=Exists(_moved_since(day - ACTIVE)))
    return changed


def _moved_since(day: date) -> QuerySet[Snapshot]:
    """The outer account's published days from `day` on that differ from its latest in followers, posts or videos."""
    differs = Q()
    for figure in ("followers", "posts", "videos"):
        latest = OuterRef(f"latest__{figure}")
        differs |= Q(**{f"{figure}__lt": latest}) | Q(**{f"{figure}__gt": latest})
    return Snapshot.objects.published().filter(differs, account=OuterRef("pk"), date__gte=day)


def rank_of(account: Account) -> Rank:
    """An account's place in the plan; `changes` is annotated: its figures moved within a week."""
    if account.is_core:
        return Rank.CORE
    return Rank.ACTIVE if account.changes else Rank.REST  # type: ignore[attr-defined]  # annotated by with_changes


@transaction.atomic
def _insert(night: Night, run: ScrapeRun, accounts: Sequence[Account]) -> int:
    jobs = [_planned(night, account) for account in accounts]
    ScrapeJob.objects.bulk_create(jobs, ignore_conflicts=True)
    ids = [account.pk for account in accounts]
    made = ScrapeJob.objects.filter(account__in=ids, date=night.day, reason=ScrapeJob.Reason.PLANNED)
    return join(run, made.exclude(runjob__run=run).values_list("id", flat=True))


def _planned(night: Night, account: Account) -> ScrapeJob:
    rank = rank_of(account)
    return ScrapeJob(
        account_id=account.pk,
        platform=account.platform,
        date=night.day,
        reason=ScrapeJob.Reason.PLANNED,
        rank=rank,
        order_at=night.order(rank),
        due_at=night.starts(account.pk),
    )


def _run_of(day: date) -> ScrapeRun | None:
    """The open run of `day`'s plan, made or opened again when needed; None when a person cancelled it."""
    fresh = ScrapeRun(kind=ScrapeRun.Kind.PLANNED, scope=ScrapeRun.Scope.ALL, date=day)
    ScrapeRun.objects.bulk_create([fresh], ignore_conflicts=True)
    runs = ScrapeRun.objects.filter(kind=ScrapeRun.Kind.PLANNED, date=day)
    _reopen(runs.filter(state=ScrapeRun.State.DONE))
    return runs.open().first()


def _revive(night: Night) -> None:
    """Promise the day's jobs again that ended because their platform could not be read, once it can.

    Not those of accounts that were read meanwhile or that nobody wants read any more.
    """
    readable = [name for name in PLATFORMS if isinstance(connector_for(name), Connector)]
    jobs = ScrapeJob.objects.filter(account=OuterRef("account"))
    ended = ScrapeJob.objects.filter(
        ~Exists(jobs.open()),
        ~Exists(jobs.filter(date=night.day, state=JobState.DONE)),
        Exists(Account.objects.scrapable().filter(pk=OuterRef("account"))),
        platform__in=readable,
        date=night.day,
        state=JobState.FAILED,
        outcome__in=UNREADABLE,
        reason=ScrapeJob.Reason.PLANNED,
    )
    while ids := list(ended.order_by("id").values_list("id", flat=True)[:CHUNK]):
        if _run_of(night.day) is None:
            return  # somebody cancelled this day's plan
        again = {"state": JobState.DUE, "outcome": "", "finished_at": None, "attempts": 0, "due_at": clock.db_now()}
        ended.filter(pk__in=ids).update(**again)


def _carry_over(night: Night, now: datetime) -> None:
    """Give jobs that were left over the day that it is now: what is seen today is not yesterday's figure.

    They keep their place in the queue, so what could not be done on one day goes first on the next.
    """
    day = night.day if now >= night.start else night.day - timedelta(days=1)
    late = ScrapeJob.objects.filter(state=JobState.DUE, date__lt=day)
    while ids := list(late.order_by("date", "id").values_list("id", flat=True)[:CHUNK]):
        with transaction.atomic():
            rows = late.filter(pk__in=ids).select_for_update().order_by("id")  # in the order all writers lock in
            ScrapeJob.objects.filter(pk__in=list(rows.values_list("id", flat=True))).update(date=day)
    if day == night.day:
        _end_past_plans(day)


def _end_past_plans(day: date) -> None:
    """Close the plans of days before `day`; what is open of them goes on in its plan."""
    past = ScrapeRun.objects.open().filter(kind=ScrapeRun.Kind.PLANNED, date__lt=day)
    for old in list(past.order_by("id")):
        if (run := _run_of(day)) is None:
            return  # somebody cancelled this day's plan
        while hand_over(old, RunJob.objects.filter(run=old, job__state__in=OPEN_STATES), run):
            pass
        ScrapeRun.objects.open().filter(pk=old.pk).close(ScrapeRun.State.DONE)


@transaction.atomic
def hand_over(old: ScrapeRun, jobs: QuerySet[RunJob], run: ScrapeRun | None = None) -> int:
    """Let `old` wait no longer for up to CHUNK of `jobs`, which go on in `run` or the others they are in; how many."""
    # The run first, in the order in which a cancelling locks: so that neither waits for the other.
    list(ScrapeRun.objects.filter(pk=old.pk).select_for_update(no_key=True).values_list("pk"))
    rows = dict(jobs.order_by("id").values_list("id", "job_id")[:CHUNK])
    if rows:
        if run:
            join(run, rows.values())
        moved, _ = RunJob.objects.filter(pk__in=rows).delete()
        ScrapeRun.objects.filter(pk=old.pk).update(moved=F("moved") + moved)
    return len(rows)


def join(run: ScrapeRun, job_ids: Iterable[int]) -> int:
    """Make `run` wait for these jobs too; returns how many there are."""
    count = 0
    for chunk in chunks(job_ids):
        RunJob.objects.bulk_create([RunJob(run=run, job_id=pk) for pk in chunk], ignore_conflicts=True)
        count += len(chunk)
    return count


def chunks(rows: Iterable[int]) -> Iterator[list[int]]:
    """`rows` in lists of up to CHUNK."""
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk
