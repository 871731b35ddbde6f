"""From what was seen to the day's snapshots, their accounts' latest rows and the totals, in one transaction."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

from django.db import connection, transaction
from django.db.models import OuterRef, Subquery

from perf.clock import now
from perf.copying import copy
from snapshots import standings, statements
from snapshots.doubts import CONFIRMED_BEFORE
from snapshots.models import FIGURES, LatestSnapshot, Quality, Snapshot, forget_figures
from snapshots.standings import Standing
from snapshots.totals import beside, recount
from snapshots.weighing import Book, NewDay, Recorded, Sighting, is_new_day, weigh

__all__ = ["Recorded", "Sighting", "record"]

SQLITE_CHUNK = 500
"""Accounts recorded at a time on SQLite, whose statements take few parameters."""
DAY = ["account_id", "date"]
"""What says which row a sighting belongs to."""
WRITTEN = [*FIGURES, "observed_at", "source", "read_from", "quality", "aside"]
"""What a row says of its account's day."""
Standings = Mapping[int, Standing]
Followers = dict[tuple[int, date], int | None]  # by account and day


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
        return _in_order(seen, [_record(chunk) for chunk in _chunks(seen)])


def _in_order(sightings: Iterable[Sighting], recorded: Sequence[list[Recorded]]) -> list[Recorded]:
    """What became of `sightings`, told chunk by chunk, in their own order."""
    if len(recorded) == 1:
        return recorded[0]
    left: defaultdict[int, deque[Recorded]] = defaultdict(deque)
    for one in chain.from_iterable(recorded):
        left[one.account_id].append(one)
    return [own.popleft() for sighting in sightings if (own := left[sighting.account_id])]


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
    held = standings.hold(s.account_id for s in sightings)
    sightings = [s for s in sightings if s.account_id in held]
    if not sightings:
        return []
    forget_figures(held)
    first, last = min(s.date for s in sightings), max(s.date for s in sightings)
    rows = list(Snapshot.objects.filter(account__among=held, date__range=(first, last)))
    new = _new_days(sightings, held, {row.account_id for row in rows})

    def open_books(accounts: Iterable[int]) -> dict[int, Book]:
        return _open_books({account: held[account] for account in accounts}, first, rows)

    books: dict[int, Book | NewDay] = {**new, **open_books(held.keys() - new.keys())}
    recorded = weigh(sightings, books, {account: row.platform for account, row in held.items()}, open_books)
    _write(held, books, sightings)
    return recorded


def _new_days(sightings: Sequence[Sighting], held: Standings, begun: Collection[int]) -> dict[int, NewDay]:
    """The accounts whose one sighting is a day after all that is known; `begun` have a row in these days already."""
    seen = Counter(s.account_id for s in sightings)
    return {
        s.account_id: NewDay(held[s.account_id])
        for s in sightings
        if seen[s.account_id] == 1 and s.account_id not in begun and is_new_day(s, held[s.account_id])
    }


def _open_books(held: Standings, first: date, rows: Iterable[Snapshot]) -> dict[int, Book]:
    """The rows that sightings from `first` on can change or must be compared with, by account; `rows` are theirs."""
    if not held:
        return {}
    by_account: defaultdict[int, list[Snapshot]] = defaultdict(list)
    for row in rows:
        by_account[row.account_id].append(row)
    known = {(row.account_id, row.date) for row in rows}
    doubted = Snapshot.objects.filter(account__among=held).to_judge()
    earlier = list(doubted.filter(date__lt=first, date__gte=first - CONFIRMED_BEFORE))
    known |= {(row.account_id, row.date) for row in earlier}
    for row in (*earlier, *_before(held, first, known)):
        by_account[row.account_id].append(row)
    return {account: Book(by_account[account]) for account in held}


def _before(held: Standings, day: date, known: Collection[tuple[int, date]]) -> list[Snapshot]:
    """Each account's last counted row before `day`: its latest row, unless that is a later one or says no number."""
    near = [row for row in held.values() if row.counts and row.date and row.date < day]
    late = [row.account_id for row in held.values() if row.date and (row.date >= day or row.followers is None)]
    rows = [
        Snapshot(account_id=row.account_id, date=row.date, source=row.source, followers=row.followers)
        for row in near
        if row.date and (row.account_id, row.date) not in known
    ]
    if late:
        counted = Snapshot.objects.published().filter(followers__isnull=False, date__lt=day)
        last = counted.filter(account_id=OuterRef("pk")).order_by("-date").values("pk")[:1]
        ids = LatestSnapshot.objects.filter(pk__among=late).annotate(last=Subquery(last)).values_list("last", flat=True)
        found = Snapshot.objects.filter(pk__among=[pk for pk in ids if pk is not None])
        rows += [row for row in found if (row.account_id, row.date) not in known]
    return rows


def _write(held: Standings, books: Mapping[int, Book | NewDay], sightings: Iterable[Sighting]) -> None:
    """Store what the sightings changed: snapshots in account order, then totals, then latest rows."""
    fresh = [row_of(s) for s in sightings if isinstance(books[s.account_id], NewDay)]
    after: Followers = {(row[0], row[1]): row[_FOLLOWERS] for row in fresh}
    before: Followers = {}
    changed = []
    for account, book in books.items():
        if isinstance(book, NewDay):
            continue
        for day in book.changed:
            row = book.rows[day]
            changed.append(_values(row))
            if day in book.published:
                before[account, day] = book.published[day]
            if row.quality == Quality.PUBLISHED:
                after[account, day] = row.followers
    insert(sorted(fresh, key=itemgetter(0, 1)))
    upsert(sorted(changed, key=itemgetter(0, 1)))
    recount(held, before, after, beside(held, before, after))
    LatestSnapshot.objects.advance({row[0]: row[1] for row in fresh})
    LatestSnapshot.objects.refresh({row[0]: held[row[0]] for row in changed})


COLUMNS = (*DAY, *WRITTEN)
_FOLLOWERS = COLUMNS.index("followers")
_values = attrgetter(*COLUMNS)


def row_of(sighting: Sighting) -> tuple[Any, ...]:
    """The published row that `sighting` is by itself, in the order of COLUMNS."""
    day = (sighting.account_id, sighting.date)
    seen = (sighting.observed_at, sighting.source, sighting.read_from)
    return (*day, *sighting.row, *seen, Quality.PUBLISHED.value, None)


def insert(rows: list[tuple[Any, ...]]) -> None:
    """Store `rows` of days that have none: nobody else can, while their accounts' latest rows are held."""
    if connection.vendor == "postgresql" and rows:
        copy(Snapshot._meta.db_table, _kinds(), rows)
        return
    upsert(rows)


def upsert(rows: list[tuple[Any, ...]]) -> None:
    """Store `rows` by account and day; what hangs on them is the caller's."""
    if not rows:
        return
    if connection.vendor == "postgresql":
        statements.upsert(Snapshot._meta.db_table, _kinds(), rows, DAY)
        return
    found = [Snapshot(**dict(zip(COLUMNS, row, strict=True))) for row in rows]
    Snapshot._base_manager.bulk_create(found, update_conflicts=True, unique_fields=DAY, update_fields=WRITTEN)


def _kinds() -> dict[str, str]:
    """The columns' types."""
    return {name: str(Snapshot._meta.get_field(name).db_type(connection)) for name in COLUMNS}
