"""Storing past figures: a verdict for every day, then chunk by chunk, each with the note by which it can be undone.

Imported history is published as it is, its own leaps too: the report lists them. A day that an observed figure or an
earlier import speaks for stands.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from accounts.importing import Verdict as RosterVerdict
from accounts.importing import plan_import
from accounts.rosters import Row
from perf import clock
from perf.events import happened
from snapshots.models import COUNTS, ImportBatch, ImportedDay, Quality, Snapshot, Source
from snapshots.past import Line, PastFigures, is_redundant
from snapshots.recording import Sighting, record
from snapshots.staging import Day, Leap, Stage

if TYPE_CHECKING:
    from accounts.models import Person

CHUNK = 5_000  # days per transaction
SQLITE_CHUNK = 500  # short enough for its single writer
NOTED = 1_000  # lines and leaps that a report keeps; all are counted
Tell = Callable[[int, int], None]
Name = tuple[str, str]
"""A platform and a handle, as somebody wrote them."""


class Verdict(StrEnum):
    """What an import makes of one line."""

    NEW = "new"
    EXISTS = "exists"
    KEPT = "kept"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class Undone(Exception):
    """The import was undone while it was under way; what it had stored is gone, and it stopped."""


@dataclass(frozen=True, slots=True)
class Note:
    """A line that somebody may want to look at, and why."""

    number: int
    verdict: Verdict
    reason: str


@dataclass(slots=True)
class Report:
    """What an import did or, without `batch`, would do. `left_out`: columns that Tidemark has no place for."""

    counts: Counter[Verdict] = field(default_factory=Counter)
    notes: list[Note] = field(default_factory=list)
    leaps: list[Leap] = field(default_factory=list)
    leap_count: int = 0
    left_out: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    span: tuple[dt.date, dt.date] | None = None
    batch: ImportBatch | None = None

    def note(self, number: int, verdict: Verdict, reason: str = "") -> None:
        """Count a line; keep it where there is something to say of it."""
        self.counts[verdict] += 1
        if reason and len(self.notes) < NOTED:
            self.notes.append(Note(number, verdict, reason))

    @property
    def totals(self) -> dict[str, int]:
        """How many lines got each verdict, all of them named."""
        return {verdict.value: self.counts[verdict] for verdict in Verdict}


def import_figures(
    source: PastFigures, name: str, *, by: Person, dry_run: bool = False, tell: Tell | None = None
) -> Report:
    """Store the usable lines of `source`, a file called `name`; with `dry_run` only say what would happen.

    `tell` hears how many days of how many have been looked at. Raises FileUnreadable before anything is stored, Undone
    when somebody undoes the import meanwhile.
    """
    report = Report(left_out=[column for column in source.ignored if not is_redundant(column)])
    with Stage() as stage:
        for lines in _parts(source, CHUNK):
            _put(lines, stage, report)
        return store(stage, report, name, by=by, dry_run=dry_run, tell=tell)


def _put(lines: Sequence[Line], stage: Stage, report: Report) -> None:
    """Find the accounts of `lines` and keep what can be used of them."""
    usable = [line for line in lines if not line.fault]
    known, unknown = _accounts({(line.platform, line.handle) for line in usable})
    for line in lines:
        name = (line.platform, line.handle)
        if line.fault or name in unknown:
            report.note(line.number, Verdict.REFUSED, line.fault or unknown[name])
            continue
        account = known[name]
        before = stage.find(account, line.date)
        if before is None:
            stage.put(Day(line.number, account, line.date, line.figures))
        elif before.figures == line.figures:
            report.note(line.number, Verdict.DUPLICATE, f"The same as line {before.number}.")
        else:
            report.note(line.number, Verdict.REFUSED, f"Line {before.number} says otherwise of the same day.")


def _accounts(names: Iterable[Name]) -> tuple[dict[Name, int], dict[Name, str]]:
    """The account that each name means, former handles included; and why there is none for the others."""
    ordered = sorted(names)
    planned = plan_import([Row(number, platform, handle) for number, (platform, handle) in enumerate(ordered)])
    by_key = {line.key: line.account_id for line in planned if line.account_id}
    known, unknown = {}, {}
    for name, line in zip(ordered, planned, strict=True):
        if account := line.account_id or by_key.get(line.key):
            known[name] = account
        else:
            refused = line.verdict is RosterVerdict.REFUSED
            unknown[name] = line.reason if refused else f"{line.given} is not tracked. Import the roster first."
    return known, unknown


def store(
    stage: Stage, report: Report, name: str, *, by: Person, dry_run: bool = False, tell: Tell | None = None
) -> Report:
    """Store what `stage` holds, in the order of the days, and say so in `report`. Audited."""
    report.span = stage.span()
    for leap in stage.leaps():
        report.leap_count += 1
        if len(report.leaps) < NOTED:
            report.leaps.append(leap)
    total = len(stage)
    if not dry_run and total:
        report.batch = ImportBatch.objects.create(name=name[:255], by_id=getattr(by, "pk", None), days=total)
        happened(by, "snapshots.import", str(report.batch), {"file": name, "days": total})
    seen = 0
    for days in stage.chunks(SQLITE_CHUNK if connection.vendor == "sqlite" else CHUNK):
        _store(report, days)
        seen += len(days)
        if tell:
            tell(seen, total)
    if report.batch:
        ImportBatch.objects.filter(pk=report.batch.pk, state=ImportBatch.State.RUNNING).update(
            state=ImportBatch.State.DONE, ended_at=clock.now()
        )
        report.batch.refresh_from_db()
    return report


def _store(report: Report, days: Sequence[Day]) -> None:
    """A verdict for each of `days`, and in one transaction what is to be stored of them."""
    stored = _existing(days)
    new = []
    for day in days:
        verdict, reason = _verdict(day, stored.get((day.account_id, day.date)))
        report.note(day.number, verdict, reason)
        if verdict is Verdict.NEW:
            new.append(day)
    if report.batch:
        with transaction.atomic():
            _write(report.batch, new, len(days))


def _existing(days: Sequence[Day]) -> dict[tuple[int, dt.date], Snapshot]:
    rows = Snapshot.objects.filter(
        account_id__in={day.account_id for day in days}, date__range=(days[0].date, days[-1].date)
    )
    return {(row.account_id, row.date): row for row in rows}


def _verdict(day: Day, row: Snapshot | None) -> tuple[Verdict, str]:
    """What becomes of a day, in the light of the row that there is of it."""
    if row is None or Source(row.source).rank < Source.IMPORTED.rank:
        return Verdict.NEW, ""
    if all(getattr(row, name) == count for name, count in day.figures.items()):
        return Verdict.EXISTS, ""
    if row.source == Source.IMPORTED:
        return Verdict.KEPT, "An earlier import says otherwise of this day. Undo that one first to replace it."
    return Verdict.KEPT, "An observed figure of this day stands."


def _write(batch: ImportBatch, days: Sequence[Day], seen: int) -> None:
    """Record `days`, publish what recording doubts, and note what was stored."""
    sightings = [_sighting(day) for day in days]
    outcomes = iter(record(sightings))
    recorded = next(outcomes, None)
    notes, doubted = [], []
    for sighting in sightings:
        if recorded is None or recorded.account_id != sighting.account_id:
            continue  # the account was deleted meanwhile
        if recorded.outcome not in {"kept", "unchanged"}:
            said = _digest(sighting.figures)
            notes.append(ImportedDay(batch=batch, account_id=sighting.account_id, date=sighting.date, said=said))
        if recorded.outcome == "suspect":
            doubted.append(sighting)
        recorded = next(outcomes, None)
    if doubted:
        suspect = Snapshot.objects.filter(source=Source.IMPORTED, quality=Quality.SUSPECT)
        ids, dates = {one.account_id for one in doubted}, {one.date for one in doubted}
        suspect.filter(account_id__in=ids, date__in=dates).update(quality=Quality.PUBLISHED)
    ImportedDay.objects.bulk_create(notes, batch_size=SQLITE_CHUNK)
    running = ImportBatch.objects.filter(pk=batch.pk, state=ImportBatch.State.RUNNING)
    if not running.update(seen=F("seen") + seen, stored=F("stored") + len(notes)):
        raise Undone(f"{batch} was undone while it was under way.")


def _sighting(day: Day) -> Sighting:
    """A day's figures as if seen at noon: the file does not say when, and every import must say the same."""
    noon = dt.datetime.combine(day.date, dt.time(12), ZoneInfo(settings.TIME_ZONE))
    figures: dict[str, Any] = dict(day.figures)
    return Sighting(day.account_id, day.date, noon, Source.IMPORTED, **figures)


def _digest(figures: Mapping[str, Any]) -> str:
    said = ",".join(str(figures.get(name)) for name in COUNTS)
    return blake2b(said.encode(), digest_size=16).hexdigest()


def undo(batch: ImportBatch, by: Person) -> tuple[int, int]:
    """Take away what `batch` stored and still says what it said then; how many days that were, and how many stay.

    Audited. What was observed, judged or set aside for those days since then stays. Any number may undo at once.
    """
    ImportBatch.objects.filter(pk=batch.pk).update(state=ImportBatch.State.UNDONE, ended_at=clock.now())
    links = ImportedDay.objects.filter(batch=batch).order_by("account_id", "date")
    looked_at = removed = 0
    while count := _undo_some(batch, links[:CHUNK]):
        looked_at, removed = looked_at + count[0], removed + count[1]
    batch.refresh_from_db()
    happened(by, "snapshots.undo_import", str(batch), {"file": batch.name, "days": removed})
    return removed, looked_at - removed


@transaction.atomic
def _undo_some(batch: ImportBatch, links: Iterable[ImportedDay]) -> tuple[int, int] | None:
    """Undo the next days; how many were looked at and taken away, None when there are none left."""
    ImportBatch.objects.select_for_update().get(pk=batch.pk)
    said = {(link.account_id, link.date): link for link in links}
    if not said:
        return None
    accounts, dates = {account for account, _ in said}, [date for _, date in said]
    rows = Snapshot.objects.filter(account_id__in=accounts, date__range=(min(dates), max(dates)))
    rows = rows.filter(source=Source.IMPORTED, quality=Quality.PUBLISHED, aside__isnull=True, judgements=None)
    own = [row.pk for row in rows if (link := said.get((row.account_id, row.date))) and link.said == _said_by(row)]
    removed = Snapshot.objects.filter(pk__in=own).delete()[1].get(Snapshot._meta.label, 0) if own else 0
    ImportedDay.objects.filter(pk__in=[link.pk for link in said.values()]).delete()
    ImportBatch.objects.filter(pk=batch.pk).update(removed=F("removed") + removed)
    return len(said), removed


def _said_by(row: Snapshot) -> str:
    return _digest({name: getattr(row, name) for name in COUNTS})


def _parts(lines: Iterable[Line], size: int) -> Iterator[list[Line]]:
    rest = iter(lines)
    while part := list(islice(rest, size)):
        yield part
