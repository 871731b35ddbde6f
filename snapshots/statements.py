"""The few statements that the ORM cannot say: totals by difference, latest rows in one go, snapshots as arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection

from snapshots.figures import COUNTS

Row = tuple[Any, ...]
MOST_ROWS = 10_000
"""Rows per statement where the database sets no limit to its parameters."""

_ADD = """
INSERT INTO snapshots_dailytotal (date, platform, organization_id, followers, accounts) VALUES {values}
ON CONFLICT (date, platform, organization_id) DO UPDATE SET
followers = snapshots_dailytotal.followers + excluded.followers,
accounts = snapshots_dailytotal.accounts + excluded.accounts
"""

_REFRESH = """
WITH held (account_id, days) AS (VALUES {values}),
newest AS (
    SELECT held.account_id AS held_id, held.days, {columns}
    FROM held LEFT JOIN snapshots_snapshot s ON s.id = (
        SELECT n.id FROM snapshots_snapshot n
        WHERE n.account_id = held.account_id AND n.quality = 'published' ORDER BY n.date DESC LIMIT 1
    )
)
UPDATE snapshots_latestsnapshot SET days = newest.days, source = COALESCE(newest.source, ''),
followers_rounded = COALESCE(newest.followers_rounded, FALSE), {copies}, {changes}
FROM newest WHERE snapshots_latestsnapshot.account_id = newest.held_id
"""

_CHANGE = """{name} = newest.followers - (
    SELECT b.followers FROM snapshots_snapshot b
    WHERE b.account_id = newest.held_id AND b.quality = 'published' AND b.date = {day}
)"""

_DAYS_BEFORE = {"postgresql": "newest.date - {days}", "sqlite": "date(newest.date, '-{days} day')"}


def add_totals(rows: Sequence[Row]) -> None:
    """Add (date, platform, organisation, followers, accounts) to the totals, in the order given."""
    _in_chunks(_ADD, rows)


def refresh_latest(days: Mapping[int, int], changes: Mapping[str, int]) -> None:
    """Make the latest rows of accounts say what their newest published snapshots say.

    `days` is how many published days each account has; `changes` the days that each change column looks back.
    """
    copied = (*COUNTS, "date", "observed_at")
    statement = _REFRESH.format(
        values="{values}",
        columns=", ".join(f"s.{name}" for name in (*copied, "source", "followers_rounded")),
        copies=", ".join(f"{name} = newest.{name}" for name in copied),
        changes=", ".join(
            _CHANGE.format(name=name, day=_DAYS_BEFORE[connection.vendor].format(days=back))
            for name, back in changes.items()
        ),
    )
    _in_chunks(statement, list(days.items()))


def upsert_as_arrays(table: str, columns: Mapping[str, str], rows: Sequence[Row], unique: Sequence[str]) -> None:
    """Insert `rows`, or overwrite those with the same `unique` columns; PostgreSQL only.

    `columns` are names and types. Arrays are parsed three times as fast as VALUES, and leave no temporary table.
    """
    arrays = ", ".join(f"%s::text[]::{kind}[]" if kind == "jsonb" else f"%s::{kind}[]" for kind in columns.values())
    copies = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in unique)
    statement = (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays}) "  # noqa: S608  # names of our own
        f"ON CONFLICT ({', '.join(unique)}) DO UPDATE SET {copies}"
    )
    for chunk in _chunks(rows, MOST_ROWS):
        values = [list(column) for column in zip(*chunk, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(statement, [_plain(kind, v) for kind, v in zip(columns.values(), values, strict=True)])


def _plain(kind: str, values: list[Any]) -> list[Any]:
    if kind != "jsonb":
        return values
    return [None if value is None else json.dumps(value) for value in values]


def _in_chunks(statement: str, rows: Sequence[Row]) -> None:
    """Run `statement` with `rows` as its {values}, as many at a time as the database takes."""
    if not rows:
        return
    limit = connection.features.max_query_params
    size = min(limit // len(rows[0]), MOST_ROWS) if limit else MOST_ROWS
    with connection.cursor() as cursor:
        for chunk in _chunks(rows, size):
            place = f"({', '.join(['%s'] * len(chunk[0]))})"
            values = ", ".join([place] * len(chunk))
            cursor.execute(statement.format(values=values), [value for row in chunk for value in row])


def _chunks(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
