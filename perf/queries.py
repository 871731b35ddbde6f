"""Watches the database: counts and times queries, logs slow ones without their parameters, profiles in development."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from perf.conf import setting
from perf.statements import statement
from perf.traces import current

log = logging.getLogger(__name__)

REPEATED = 5  # the same query this often in one request is most likely a loop over rows
SQL_MAX = 500  # characters of a query in the log

Execute = Callable[..., Any]


def normalised(sql: object) -> str:
    """`sql` without values: literals and placeholders become ?, lists of them (…), so that equal queries look equal."""
    return statement(str(sql)).shape[:SQL_MAX]


@dataclass(slots=True)
class Meter:
    """How many queries ran and the seconds they took."""

    count: int = 0
    seconds: float = 0.0


_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metered() -> Iterator[Meter]:
    """Count the block's queries on every watched connection, which the default one is meanwhile whatever is set.

    An outer block counts those of inner ones too.
    """
    meter, outer = Meter(), _meter.get()
    token = _meter.set(meter)
    is_watched = setting("ENABLE_MONITORING") or watch in connection.execute_wrappers
    try:
        with nullcontext() if is_watched else connection.execute_wrapper(watch):
            yield meter
    finally:
        _meter.reset(token)
        if outer is not None:
            outer.count += meter.count
            outer.seconds += meter.seconds


def watch(execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """An execute wrapper: adds to the present trace and meter, and logs the query if it was slow."""
    started = perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        ended = perf_counter()
        elapsed = ended - started
        if (trace := current()) is not None:
            trace.query(sql, started, ended)
        if (meter := _meter.get()) is not None:
            meter.count += 1
            meter.seconds += elapsed
        if elapsed > setting("SLOW_QUERY_THRESHOLD"):
            log.warning("Slow query, %.3f s: %s", elapsed, normalised(sql))


def watch_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Receive connection_created: watch every connection of every process once, workers and commands included."""
    if setting("ENABLE_MONITORING") and watch not in connection.execute_wrappers:
        connection.execute_wrappers.append(watch)


@dataclass(slots=True)
class Repeats:
    """One query's share of a profile: how often it ran and the seconds all runs took."""

    count: int = 0
    seconds: float = 0.0


@dataclass(slots=True, eq=False)  # a wrapper is removed by identity
class Profile:
    """The queries of a block by their normalised text."""

    queries: defaultdict[str, Repeats] = field(default_factory=lambda: defaultdict(Repeats))

    def __call__(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        started = perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            entry = self.queries[normalised(sql)]
            entry.count += 1
            entry.seconds += perf_counter() - started

    @property
    def count(self) -> int:
        """All queries of the block."""
        return sum(entry.count for entry in self.queries.values())

    def repeated(self, least: int = REPEATED) -> list[tuple[str, Repeats]]:
        """Queries that ran at least `least` times, the most frequent first."""
        found = [(sql, entry) for sql, entry in self.queries.items() if entry.count >= least]
        return sorted(found, key=lambda pair: -pair[1].count)


@contextmanager
def profiled(what: str) -> Iterator[Profile | None]:
    """Profile the block's queries and warn about repeated ones, naming `what` ran.

    For development: without PROFILE_QUERIES nothing is installed and None is given.
    """
    if not setting("PROFILE_QUERIES"):
        yield None
        return
    profile = Profile()
    connection.execute_wrappers.append(profile)
    try:
        yield profile
    finally:  # execute_wrapper() takes away the last one, which is `watch` where the block opened the connection
        connection.execute_wrappers.remove(profile)
    for sql, entry in profile.repeated():
        log.warning("%s: the same query %d times, %.3f s: %s", what, entry.count, entry.seconds, sql)
