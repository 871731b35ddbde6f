"""From what was seen to the day's snapshots, their accounts' latest rows and the totals, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from operator import attrgetter

from django.db import connection, transaction
from django.db.models import OuterRef, Subquery

from perf.clock import now
from snapshots import statements
from snapshots.doubts import CONFIRMED_BEFORE
from snapshots.models import FIGURES, LatestSnapshot, Quality, Snapshot, forget_figures, recount
from snapshots.weighing import Book, Recorded, Sighting, weigh

__all__ = ["Recorded", "Sighting", "record"]

SQLITE_CHUNK = 500
"""Accounts recorded at a time on SQLite, whose statements take few parameters."""
DAY = ["account_id", "date"]
"""What says which row a sighting belongs to."""
WRITTEN = [*FIGURES, "observed_at", "source", "quality", "aside"]
"""What a row says of its account's day."""


def record(sightings: Iterable[Sighting], *, at: datetime | None = None) -> list[Recorded]:
    """Store `sightings` and answer what became of each, in their order; those of deleted accounts are left out.

    `at` (default: now) is when they arrived: none counts as observed later, so that a worker whose clock is ahead
    shuts no later reading out. A platform's sightings of one day are judged together, so hand over whole batches.

    Runs in the caller's transaction or one of its own, in a number of statements that does not depend on the number
    of sightings. Call it once per transaction, after any write to the accounts: it locks latest rows in account
    order, and then totals, until the transaction ends.
    """
    limit = at or now()
    seen = [s if s.observed_at <= limit else replace(s, observed_at=limit) for s in sightings]
    with transaction.atomic():
        return [recorded for chunk in _chunks(seen) for recorded in _record(chunk)]


def _chunks(sightings: list[Sighting]) -> Iterator[list[Sighting]]:
    """All at once; on SQLite so many accounts at a time."""
    if connection.vendor != "sqlite":
        yield sightings
        return
    ids = sorted({s.account_id for s in sightings})
    turn = {account: place // SQLITE_CHUNK for place, account in enumerate(ids)}
    chunks: defaultdict[int, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        chunks[turn[sighting.account_id]].append(sighting)
    yield from chunks.values()


def _record(sightings: Sequence[Sighting]) -> list[Recorded]:
    held = LatestSnapshot.objects.hold(s.account_id for s in sightings)
    sightings = [s for s in sightings if s.account_id in held]
    if not sightings:
        return []
    forget_figures(held)
    books = _open_books(held, min(s.date for s in sightings), max(s.date for s in sightings))
    recorded = weigh(sightings, books, {account: row.platform for account, row in held.items()})
    _write(held, books)
    return recorded


def _open_books(held: dict[int, LatestSnapshot], first: date, last: date) -> dict[int, Book]:
    """The rows that the sightings of `first` to `last` can change or must be compared with, by account."""
    mine = Snapshot.objects.filter(account_id__in=list(held))
    rows = list(mine.filter(date__range=(first, last)))
    rows += mine.to_judge().filter(date__lt=first, date__gte=first - CONFIRMED_BEFORE)
    rows += _before(held, first, {(row.account_id, row.date) for row in rows})
    by_account: defaultdict[int, list[Snapshot]] = defaultdict(list)
    for row in rows:
        by_account[row.account_id].append(row)
    return {account: Book(by_account[account]) for account in held}


def _before(held: dict[int, LatestSnapshot], day: date, known: Collection[tuple[int, date]]) -> list[Snapshot]:
    """Each account's last counted row before `day`: its latest row, unless that is a later one or says no number."""
    near = [row for row in held.values() if row.date and row.date < day and row.followers is not None]
    late = [row.pk for row in held.values() if row.date and (row.date >= day or row.followers is None)]
    rows = [
        Snapshot(account_id=row.pk, date=row.date, source=row.source, followers=row.followers)
        for row in near
        if row.date and (row.pk, row.date) not in known
    ]
    if late:
        counted = Snapshot.objects.published().filter(followers__isnull=False, date__lt=day)
        last = counted.filter(account_id=OuterRef("pk")).order_by("-date").values("pk")[:1]
        ids = LatestSnapshot.objects.filter(pk__in=late).annotate(last=Subquery(last)).values_list("last", flat=True)
        rows += [row for row in Snapshot.objects.filter(pk__in=list(ids)) if (row.account_id, row.date) not in known]
    return rows


def _write(held: dict[int, LatestSnapshot], books: dict[int, Book]) -> None:
    """Store what the books changed: snapshots in account order, then totals, then latest rows."""
    changed = {account: sorted(book.changed) for account, book in books.items() if book.changed}
    if not changed:
        return
    rows = [books[account].rows[day] for account, days in changed.items() for day in days]
    _upsert(rows)
    before = {
        (account, day): books[account].published[day]
        for account, days in changed.items()
        for day in days
        if day in books[account].published
    }
    after = {(row.account_id, row.date): row.followers for row in rows if row.quality == Quality.PUBLISHED}
    recount(held, before, after)
    LatestSnapshot.objects.refresh({account: held[account] for account in changed})


def _upsert(rows: list[Snapshot]) -> None:
    """Store `rows` by account and day; what hangs on them is the caller's."""
    if connection.vendor == "postgresql":
        written = [field for field in Snapshot._meta.concrete_fields if not field.primary_key]
        types = {str(field.column): str(field.db_type(connection)) for field in written}
        values = attrgetter(*(field.attname for field in written))
        statements.upsert_as_arrays(Snapshot._meta.db_table, types, [values(row) for row in rows], DAY)
        return
    for row in rows:
        row.pk = None  # the account and the day say which row it is
    Snapshot._base_manager.bulk_create(rows, update_conflicts=True, unique_fields=DAY, update_fields=WRITTEN)
