"""What lies in the database: its size, and the tables and indexes in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection

from perf import clock
from perf.sizes import postgresql, sqlite
from perf.sizes.advice import Advice, attention
from perf.sizes.tables import Index, Measured, Table

DEAD_SHARE = 0.2  # autovacuum clears away at this share by default; twice of it, it does not keep up
DEAD_ROWS = 10_000  # fewer cost nothing

MEASURES: dict[str, Callable[[Any], Measured]] = {
    "postgresql": postgresql.measured,
    "sqlite": sqlite.measured,
}
SIZES: dict[str, Callable[[Any], Measured]] = {"postgresql": postgresql.whole, "sqlite": sqlite.whole}


@dataclass(frozen=True, slots=True)
class Contents:
    """The default database at `measured_at`, largest table and index first. What is None is not known: `why` says why.

    `bytes` is what the database takes on its disk, tables and indexes and what belongs to neither.
    """

    vendor: str
    measured_at: datetime
    bytes: int | None = None
    tables: list[Table] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    why: list[str] = field(default_factory=list)

    def advice(self) -> list[Advice]:
        """What to do about tables."""
        return [
            attention(
                f"{table.dead_rows:,} rows of {table.name} are dead and still take room: autovacuum does not keep up."
                f" Run `VACUUM {table.name}` at a quiet hour, and lower its autovacuum_vacuum_scale_factor."
            )
            for table in self.tables
            if table.dead_rows is not None
            and table.dead_rows > DEAD_ROWS
            and table.dead_rows > 2 * DEAD_SHARE * (table.rows or 0)
        ]


def measure() -> Contents:
    """Measure the default database: three to four statements on its catalogue, a few milliseconds on PostgreSQL."""
    return _contents(MEASURES)


def size() -> Contents:
    """The size of the default database alone: one cheap statement, on any file."""
    return _contents(SIZES)


def _contents(ways: dict[str, Callable[[Any], Measured]]) -> Contents:
    at = clock.now()
    way = ways.get(connection.vendor)
    if way is None:
        return Contents(connection.vendor, at, why=[f"Sizes of {connection.display_name} are not known here."])
    found, owners = way(connection), _owners()
    tables = [replace(table, app=owners.get(table.name, "")) for table in found.tables]
    return Contents(
        vendor=connection.vendor,
        measured_at=at,
        bytes=found.bytes,
        tables=sorted(tables, key=_largest),
        indexes=sorted(found.indexes, key=_largest),
        why=found.why,
    )


def _largest(one: Table | Index) -> tuple[int, str]:
    return -(one.bytes or 0), one.name


@cache
def _owners() -> dict[str, str]:
    """The app of each table that a model has."""
    models = apps.get_models(include_auto_created=True)
    return {model._meta.db_table: model._meta.app_label for model in models}
