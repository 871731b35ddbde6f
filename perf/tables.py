"""What was recorded in the database: processes append, the roll-up merges, periods are dropped by emptying a table."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models, transaction

from perf import clock
from perf.models import RINGS, Arrival, LabelSet, Ring
from perf.models.buckets import Bucket
from perf.series import COUNT, CROWD, EXAMPLES, HISTOGRAM, Key, Labels, Series, decoded, encoded, merge

LOCK_SECONDS = 2  # for those who read: the roll-up waits no longer, and tries again the next time
ROWS = 200  # of one statement
AHEAD = timedelta(minutes=2)  # by which clocks may differ without anybody minding

Arrived = list[tuple[datetime, str, str, bytes | memoryview]]  # minute, kind, name, block
Rows = list[tuple[datetime, bytes | memoryview]]  # start and block
Span = tuple[str, str, str, datetime, datetime]  # ring, kinds, name (or "", all), and from when until before when

_BESIDE = HISTOGRAM + COUNT + CROWD  # kinds that pages want of the same time
_together: ContextVar[dict[Span, dict[Key, Rows]] | None] = ContextVar("together", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Within the block one statement reads all names of a time: for pages, which ask for most of them."""
    if _together.get() is not None:
        yield
        return
    token = _together.set({})
    try:
        yield
    finally:
        _together.reset(token)


class Tables:
    """The database as a store: see perf.models.buckets."""

    def __init__(self) -> None:
        self._labels: dict[int, Labels] = {}

    def append(self, minutes: dict[datetime, Series]) -> None:
        rows = [
            Arrival(start=minute, kind=kind, name=name, data=encoded(kind, block))
            for minute, series in minutes.items()
            for (kind, name), block in series.items()
        ]
        Arrival.objects.bulk_create(rows, batch_size=ROWS)

    def blocks(
        self,
        ring: Ring,
        key: Key,
        start: datetime,
        end: datetime,
        wanted: Callable[[Labels], bool],
        *,
        alone: bool = False,
    ) -> Iterator[tuple[datetime, Iterable[tuple[Labels, Any]]]]:
        """As Store says; one statement, so that it sees a roll-up wholly or not at all."""
        kind, _ = key

        def known(given: int | list[list[str]]) -> Labels | None:
            labels = self._named(given) if isinstance(given, int) else _labels(given)
            return labels if wanted(labels) else None

        for at, data in _rows(ring, key, start, end, alone=alone):
            yield ring.period(at, kind), decoded(kind, data, known)

    def names(self) -> set[Key]:
        """As Store says, of the last hours."""
        now = clock.now()
        tables: Iterable[type[models.Model]] = (Arrival, RINGS[1].table(RINGS[1].period(now)))
        found: set[Key] = set()
        for table in tables:
            found.update(table._default_manager.values_list("kind", "name").distinct())
        return found

    def roll_up(self) -> None:
        """Merge what has arrived into its minute, hour and day, and empty the table of arrivals: all or nothing.

        Whoever appends waits as long; so nothing arrives in between, is lost or counted twice, however late it comes.
        """
        with transaction.atomic():
            _lock_arrivals()
            arrived: Arrived = list(_here(Arrival).values_list("start", "kind", "name", "data"))
            if not arrived:
                return
            numbers = _numbers_of(arrived)
            now = clock.db_instant()  # one for all: a process with a wrong clock drops and empties nothing
            present = [(_by_now(minute, now), kind, name, data) for minute, kind, name, data in arrived]
            for ring in RINGS:
                _merge_into(ring, present, numbers, now)
            _empty(Arrival)

    def _named(self, number: int) -> Labels:
        if number not in self._labels:
            rows = LabelSet.objects.values_list("pk", "labels")
            self._labels |= {pk: Labels(map(tuple, json.loads(labels))) for pk, labels in rows}
        return self._labels[number]


def _rows(ring: Ring, key: Key, start: datetime, end: datetime, *, alone: bool) -> Rows:
    """The blocks of `key`, within `together` read once and, but `alone`, with those of all names beside it.

    Examples are large: each time read by themselves.
    """
    (kind, name), spans = key, _together.get()
    if spans is None or kind == EXAMPLES:
        return _read(ring, start, end, kind=kind, name=name).get(key, [])
    kinds = _BESIDE if kind in _BESIDE else kind
    narrow = {"name": name} if alone else {}
    span = ring.name, kinds, narrow.get("name", ""), start, end
    if span not in spans:
        spans[span] = _read(ring, start, end, kind__in=list(kinds), **narrow)
    return spans[span].get(key, [])


def _read(ring: Ring, start: datetime, end: datetime, **wanted: Any) -> dict[Key, Rows]:
    tables: list[type[models.Model]] = [Arrival, *ring.over(start, end)]
    parts = [
        table._default_manager.filter(start__gte=start, start__lt=end, **wanted).values_list(
            "kind", "name", "start", "data"
        )
        for table in tables
    ]
    found: dict[Key, Rows] = defaultdict(list)
    for kind, name, at, data in parts[0].union(*parts[1:], all=True):
        found[kind, name].append((at, data))
    return found


def _lock_arrivals() -> None:
    """Keep writers out until the transaction ends. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            cursor.execute(f"LOCK TABLE {_quoted(Arrival)} IN ACCESS EXCLUSIVE MODE")


def _merge_into(ring: Ring, arrived: Arrived, numbers: dict[Labels, int], now: datetime) -> None:
    """Add what has arrived to the periods of `ring`, as far as it keeps them at `now`."""
    periods: dict[datetime, dict[Key, dict[int, Any]]] = {}
    for minute, kind, name, data in arrived:
        if ring.keeps(kind) and minute >= ring.since(now):
            pairs = decoded(kind, data, lambda key: numbers[_labels(key)])
            merge(periods.setdefault(ring.period(minute, kind), {}).setdefault((kind, name), {}), pairs)
    for start, series in periods.items():
        table = ring.table(start)
        if _here(table).filter(start__lt=ring.begun(start)).exists():
            _empty(table)
        _write(table, start, series, exactly=ring.is_exact)


def _by_now(minute: datetime, now: datetime) -> datetime:
    """`minute`, or the present one where a process with a clock that is ahead has named one to come.

    Its table still holds what is kept, and would be emptied for it.
    """
    return min(minute, now.replace(second=0, microsecond=0)) if minute - now > AHEAD else minute


def _write(table: type[Bucket], start: datetime, series: dict[Key, dict[int, Any]], *, exactly: bool) -> None:
    """Merge `series` into the rows of the period that began at `start`."""
    rows = _here(table)
    for kind, name, data in list(rows.filter(start=start).values_list("kind", "name", "data")):
        if (kind, name) in series:
            before = dict(decoded(kind, data))
            merge(before, series[kind, name].items())
            series[kind, name] = before
    rows.bulk_create(
        [
            table(start=start, kind=kind, name=name, data=encoded(kind, block, int, exactly=exactly))
            for (kind, name), block in series.items()
        ],
        batch_size=ROWS,
        update_conflicts=True,
        unique_fields=["start", "kind", "name"],
        update_fields=["data"],
    )


def _numbers_of(arrived: Arrived) -> dict[Labels, int]:
    """The number of each set of labels that has arrived; new ones get one."""
    wanted = {_labels(key) for _, kind, _, data in arrived for key, _ in decoded(kind, data)}
    texts = {json.dumps(labels, separators=(",", ":")): labels for labels in wanted}
    _here(LabelSet).bulk_create([LabelSet(labels=text) for text in texts], batch_size=ROWS, ignore_conflicts=True)
    found: dict[Labels, int] = {}
    some = list(texts)
    for first in range(0, len(some), ROWS):
        rows = _here(LabelSet).filter(labels__in=some[first : first + ROWS])
        found |= {texts[text]: number for number, text in rows.values_list("pk", "labels")}
    return found


def _here(table: type[models.Model]) -> models.QuerySet[Any]:
    """The rows where the lock is held: a replica that a router reads from may not have them yet."""
    return table._default_manager.using(connection.alias)


def _labels(key: list[list[str]]) -> Labels:
    return Labels((name, value) for name, value in key)


def _empty(table: type[models.Model]) -> None:
    """Drop everything in `table` at once: no row is deleted by itself, and none is left to be vacuumed."""
    with connection.cursor() as cursor:
        command = "TRUNCATE" if connection.vendor == "postgresql" else "DELETE FROM"
        cursor.execute(f"{command} {_quoted(table)}")


def _quoted(table: type[models.Model]) -> str:
    return connection.ops.quote_name(table._meta.db_table)
