"""The statements that the ORM cannot say: locks, totals by difference, latest rows in one go, rows by COPY."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import connection

from perf.copying import copy
from perf.lookups import AMONG, listed
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
WITH held (account_id, days) AS ({held}),
newest AS (
    SELECT held.account_id AS held_id, held.days, {columns}
    FROM held LEFT JOIN {newest}
)
UPDATE snapshots_latestsnapshot SET days = newest.days, source = COALESCE(newest.source, ''),
followers_rounded = COALESCE(newest.followers_rounded, FALSE), {copies}, {changes}
FROM newest WHERE snapshots_latestsnapshot.account_id = newest.held_id
"""

_NEWEST = """(
    SELECT {columns} FROM snapshots_snapshot n
    WHERE n.account_id = held.account_id AND n.quality = 'published' ORDER BY n.date DESC LIMIT 1
)"""
# LATERAL reads the row where the index finds it; an id to join with makes the planner read the whole table.
_JOINS = {"postgresql": f"LATERAL {_NEWEST} s ON TRUE", "sqlite": f"snapshots_snapshot s ON s.id = {_NEWEST}"}

_CHANGE = """{name} = newest.followers - (
    SELECT b.followers FROM snapshots_snapshot b
    WHERE b.account_id = newest.held_id AND b.quality = 'published' AND b.date = {day}
)"""

_DAYS_BEFORE = {"postgresql": "newest.date - {days}", "sqlite": "date(newest.date, '-{days} day')"}

# Of a day after the latest: that one is the newest before it, so yesterday's figure is the latest row's own or unknown.
_ADVANCE = """
WITH fresh (account_id, date) AS ({fresh}),
newest AS (
    SELECT fresh.account_id AS held_id, {columns}
    FROM fresh JOIN {newest}
)
UPDATE snapshots_latestsnapshot SET days = days + 1, change_1 = CASE
    WHEN snapshots_latestsnapshot.date = {yesterday} THEN newest.followers - snapshots_latestsnapshot.followers
END, {copies}, {changes}
FROM newest WHERE snapshots_latestsnapshot.account_id = newest.held_id
"""

_FRESH = """(
    SELECT {columns} FROM snapshots_snapshot n
    WHERE n.account_id = fresh.account_id AND n.date = fresh.date LIMIT 1
)"""
_FRESH_JOINS = {"postgresql": f"LATERAL {_FRESH} s ON TRUE", "sqlite": f"snapshots_snapshot s ON s.id = {_FRESH}"}

# Locked one by one in order, and counted so that nothing but the number comes back.
_SHARE = "SELECT count(*) FROM (SELECT FROM accounts_account WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE) AS shared"

_INSERT_LATEST = """
INSERT INTO snapshots_latestsnapshot
(account_id, platform, organization_id, is_active, days, source, followers_rounded)
SELECT a.id, a.platform, a.organization_id, a.is_active, 0, '', FALSE FROM accounts_account a
WHERE a.id {among} AND NOT EXISTS (SELECT 1 FROM snapshots_latestsnapshot l WHERE l.account_id = a.id)
ORDER BY a.id ON CONFLICT DO NOTHING
"""


def share_accounts(ids: list[int]) -> None:
    """Keep accounts (sorted `ids`) from being renamed or deleted until the transaction ends.

    Call it before their latest rows are held: their snapshots' foreign keys would ask for this lock later, out of
    order, and a rename that also moves the account would deadlock with us. SQLite has one writer at a time.
    """
    if connection.vendor == "postgresql" and ids:
        with connection.cursor() as cursor:
            cursor.execute(_SHARE, [ids])


def insert_latest(ids: list[int]) -> None:
    """Give each account of `ids` that has no latest row one without figures."""
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_LATEST.format(among=AMONG[connection.vendor]), [listed(ids, connection.vendor)])


def add_totals(rows: Sequence[Row]) -> None:
    """Add (date, platform, organisation, followers, accounts) to the totals, in the order given."""
    _in_chunks(_ADD, rows)


def refresh_latest(days: Mapping[int, int], changes: Mapping[str, int]) -> None:
    """Make the latest rows of accounts say what their newest published snapshots say.

    `days` is how many published days each account has; `changes` the days that each change column looks back.
    """
    copied = (*COUNTS, "date", "observed_at")
    arrays = connection.vendor == "postgresql"
    statement = _REFRESH.format(
        held="SELECT * FROM unnest(%s::bigint[], %s::integer[])" if arrays else "VALUES {values}",
        newest=_JOINS[connection.vendor].format(columns="n.*" if arrays else "n.id"),
        columns=", ".join(f"s.{name}" for name in (*copied, "source", "followers_rounded")),
        copies=", ".join(f"{name} = newest.{name}" for name in copied),
        changes=", ".join(
            _CHANGE.format(name=name, day=_DAYS_BEFORE[connection.vendor].format(days=back))
            for name, back in changes.items()
        ),
    )
    if not arrays:
        _in_chunks(statement, list(days.items()))
    elif days:
        with connection.cursor() as cursor:
            cursor.execute(statement, [list(days), list(days.values())])


def advance_latest(days: Mapping[int, date], changes: Mapping[str, int]) -> None:
    """Make the latest rows of accounts say what their published snapshot of a new day says, each after their latest.

    As refresh_latest, which looks for what is known here: the newest day, and the one before it.
    """
    vendor = connection.vendor
    copied = (*COUNTS, "date", "observed_at", "source", "followers_rounded")
    arrays = vendor == "postgresql"
    statement = _ADVANCE.format(
        fresh="SELECT * FROM unnest(%s::bigint[], %s::date[])" if arrays else "VALUES {values}",
        newest=_FRESH_JOINS[vendor].format(columns="n.*" if arrays else "n.id"),
        columns=", ".join(f"s.{name}" for name in copied),
        copies=", ".join(f"{name} = newest.{name}" for name in copied),
        yesterday=_DAYS_BEFORE[vendor].format(days=1),
        changes=", ".join(
            _CHANGE.format(name=name, day=_DAYS_BEFORE[vendor].format(days=back))
            for name, back in changes.items()
            if back > 1
        ),
    )
    rows = [(account, day.isoformat()) for account, day in days.items()]
    if not arrays:
        _in_chunks(statement, rows)
    elif rows:
        with connection.cursor() as cursor:
            cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])


def upsert(table: str, columns: Mapping[str, str], rows: Sequence[Row], unique: Sequence[str]) -> None:
    """Insert `rows`, or overwrite those with the same `unique` columns, through a temporary table; PostgreSQL only.

    `columns` are names and types.
    """
    fresh = f"{table}_fresh"
    names = ", ".join(columns)
    copies = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in unique)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {fresh} ({', '.join(map(' '.join, columns.items()))}) ON COMMIT DROP")
        copy(fresh, columns, rows)
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM {fresh} "  # noqa: S608  # names of our own
            f"ON CONFLICT ({', '.join(unique)}) DO UPDATE SET {copies}"
        )
        cursor.execute(f"DROP TABLE {fresh}")


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
