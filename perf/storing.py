"""Where flushed batches go, and which store a process has: the database's tables, or its own memory."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from datetime import datetime
from threading import RLock
from typing import Any, Protocol

from django.db import connection
from django.db.models.signals import post_migrate

from perf import recording
from perf.conf import setting
from perf.models import RINGS, Arrival, Ring
from perf.series import COUNT, Count, Key, Labels, Series, merge
from perf.tables import Tables

BACKLOG_MINUTES = 60  # kept while the database is away; what is older is shed
MEMORY_PERIODS = {"minute": 120, "hour": 72, "day": 30}  # kept of each ring in memory mode


Wanted = Callable[[Labels], bool]


class Store(Protocol):
    """Keeps what was flushed and gives it back by period."""

    def append(self, minutes: dict[datetime, Series]) -> None:
        """Keep what was gathered in these minutes, all or nothing."""

    def blocks(
        self, ring: Ring, key: Key, start: datetime, end: datetime, wanted: Wanted, *, alone: bool = False
    ) -> Iterator[tuple[datetime, Iterable[tuple[Labels, Any]]]]:
        """(period, pairs of labels and value) of what was recorded from `start` until before `end`.

        A period may come in several blocks, and its values are the caller's to change. Only labels that are `wanted`.
        `alone` says that nothing else is wanted of that time.
        """

    def names(self) -> set[Key]:
        """What was recorded lately: kinds and names."""

    def roll_up(self) -> None:
        """Put what has arrived where it is kept."""


class Memory:
    """What this process recorded, for as long as it lives: without tables there is no other place."""

    def __init__(self) -> None:
        self._guard = RLock()
        self._kept: dict[str, OrderedDict[datetime, Series]] = {name: OrderedDict() for name in MEMORY_PERIODS}

    def append(self, minutes: dict[datetime, Series]) -> None:
        with self._guard:
            for ring in RINGS:
                kept = self._kept[ring.name]
                for minute, series in minutes.items():
                    for key, block in series.items():
                        if ring.keeps(key[0]):
                            own = kept.setdefault(ring.period(minute, key[0]), {})
                            merge(own.setdefault(key, {}), deepcopy(block).items())
                while len(kept) > MEMORY_PERIODS[ring.name]:
                    del kept[min(kept)]

    def blocks(
        self, ring: Ring, key: Key, start: datetime, end: datetime, wanted: Wanted, *, alone: bool = False
    ) -> Iterator[tuple[datetime, Iterable[tuple[Labels, Any]]]]:
        with self._guard:
            for period, series in self._kept[ring.name].items():
                if start <= period < end:
                    block = series.get(key, {})
                    yield period, [(labels, deepcopy(value)) for labels, value in block.items() if wanted(labels)]

    def names(self) -> set[Key]:
        with self._guard:
            return {key for series in self._kept["hour"].values() for key in series}

    def roll_up(self) -> None:
        """Nothing to do: `append` has put everything in its place."""


class _Present:
    """The store of this process, and what it could not be told yet."""

    def __init__(self) -> None:
        self.memory, self.tables = Memory(), Tables()
        self.backlog: dict[datetime, Series] = {}
        self.guard = RLock()
        self.has_tables: bool | None = None


_present = _Present()


def store() -> Store:
    """The database's tables, or memory where PERF_STORE says so or perf was not migrated."""
    if setting("PERF_STORE") == "memory":
        return _present.memory
    if not _present.has_tables:
        _present.has_tables = Arrival._meta.db_table in connection.introspection.table_names()
    return _present.tables if _present.has_tables else _present.memory


def in_memory() -> bool:
    """Whether nothing is kept but in this process."""
    return store() is _present.memory


def _migrated(**_: Any) -> None:
    _present.has_tables = None


post_migrate.connect(_migrated)


def keep() -> None:
    """Store what was recorded since the last time. A database that is away raises, and the next call tries again."""
    with _present.guard:
        batch = recording.drained()
        waiting = _present.backlog
        for key, block in batch.series.items():
            merge(waiting.setdefault(batch.minute, {}).setdefault(key, {}), block.items())
        _shed_oldest(waiting)
        if waiting:
            store().append(waiting)
            waiting.clear()


def _shed_oldest(waiting: dict[datetime, Series]) -> None:
    if too_many := len(waiting) - BACKLOG_MINUTES:
        for minute in sorted(waiting)[: max(too_many, 0)]:
            shed = sum(len(block) for block in waiting.pop(minute).values())
            now = waiting.setdefault(max(waiting), {}).setdefault((COUNT, recording.SHED), {})
            merge(now, [(Labels.of({"what": "backlog"}), Count(shed))])


def roll_up() -> None:
    """Put what has arrived where it is kept."""
    store().roll_up()


def forget() -> None:
    """Begin empty, as a fresh process does: for tests, and after a fork."""
    global _present  # its lock may be held by a thread that this process does not have
    has_tables, _present = _present.has_tables, _Present()
    _present.has_tables = has_tables


os.register_at_fork(after_in_child=forget)
