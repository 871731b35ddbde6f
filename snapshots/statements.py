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

TALLY = ("followers", "accounts", "gained", "base", "compared")
"""What a total of one day says; see totals.Total."""

_ADD = """
INSERT INTO {table} ({key}, {tally}) VALUES {{values}}
ON CONFLICT ({key}) DO UPDATE SET {sums}
"""

# Each account's counted days beside the one before it: lag() is NULL for its first.
_STEPS = """
SELECT s.date, a.platform, a.organization_id, s.followers,
lag(s.followers) OVER (PARTITION BY s.account_id ORDER BY s.date) AS base
FROM snapshots_snapshot s JOIN accounts_account a ON a.id = s.account_id
WHERE s.quality = 'published' AND s.followers IS NOT NULL AND a.is_active
"""

_TOTALS = f"""
INSERT INTO snapshots_dailytotal (date, platform, organization_id, followers, accounts, gained, base, compared)
SELECT date, platform, organization_id, sum(followers), count(*),
coalesce(sum(followers - base), 0), coalesce(sum(base), 0), count(base)
FROM ({_STEPS}) AS steps GROUP BY date, platform, organization_id
"""  # noqa: S608  # statements of our own

_PLATFORM_TOTALS = """
INSERT INTO snapshots_platformtotal (date, platform, figures, followers, accounts, gained, base, compared)
SELECT f.date, f.platform, f.figures, coalesce(sum(t.followers), 0), coalesce(sum(t.accounts), 0),
coalesce(sum(t.gained), 0), coalesce(sum(t.base), 0), coalesce(sum(t.compared), 0)
FROM (
    SELECT s.date, a.platform, count(*) AS figures
    FROM snapshots_snapshot s JOIN accounts_account a ON a.id = s.account_id
    WHERE s.quality = 'published' GROUP BY s.date, a.platform
) f LEFT JOIN snapshots_dailytotal t ON t.date = f.date AND t.platform = f.platform
GROUP BY f.date, f.platform, f.figures
"""

_PLATFORM_ACCOUNTS = """
INSERT INTO snapshots_platformaccounts (platform, accounts)
SELECT platform, count(*) FROM snapshots_latestsnapshot WHERE date IS NOT NULL GROUP BY platform
"""

_BESIDE = "SELECT held.account_id, s.date, s.followers FROM held JOIN {one}"
_NEAREST = {
    "postgresql": """LATERAL (
    SELECT n.date, n.followers FROM snapshots_snapshot n WHERE {counted} AND n.date {side} %s
    ORDER BY n.date {order} LIMIT 1
) s ON TRUE""",
    "sqlite": """snapshots_snapshot s ON s.id = (
    SELECT n.id FROM snapshots_snapshot n WHERE {counted} AND n.date {side} %s
    ORDER BY n.date {order} LIMIT 1
)""",
}
_WITHIN = (
    "SELECT n.account_id, n.date, n.followers FROM snapshots_snapshot n WHERE {counted} AND n.date BETWEEN %s AND %s"
)
_COUNTED = "{account} AND n.quality = 'published' AND n.followers IS NOT NULL"

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


def add_totals(table: str, key: Sequence[str], numbers: Sequence[str], rows: Sequence[Row]) -> None:
    """Add `rows` of (*key, *numbers) to the totals in `table`, in the order given."""
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in numbers)
    _in_chunks(_ADD.format(table=table, key=", ".join(key), tally=", ".join(numbers), sums=sums), rows)


def rebuild_totals() -> None:
    """Make all totals anew from snapshots and latest rows; whoever writes figures has to be kept away meanwhile."""
    with connection.cursor() as cursor:
        for table in ("snapshots_dailytotal", "snapshots_platformtotal", "snapshots_platformaccounts"):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608  # names of our own
        for statement in (_TOTALS, _PLATFORM_TOTALS, _PLATFORM_ACCOUNTS):
            cursor.execute(statement)


def beside(ids: list[int], first: date, last: date) -> list[tuple[int, date, int]]:
    """(account, day, followers) of accounts' counted days from `first` to `last`, the one before and the one after."""
    vendor = connection.vendor
    held = "SELECT unnest(%s::bigint[])" if vendor == "postgresql" else "SELECT value FROM json_each(%s)"
    around = [
        _BESIDE.format(
            one=_NEAREST[vendor].format(counted=_COUNTED.format(account="n.account_id = held.account_id"), **way)
        )
        for way in ({"side": "<", "order": "DESC"}, {"side": ">", "order": "ASC"})
    ]
    within = _WITHIN.format(counted=_COUNTED.format(account=f"n.account_id {AMONG[vendor]}"))
    statement = f"WITH held (account_id) AS ({held}) " + " UNION ALL ".join([*around, within])
    with connection.cursor() as cursor:
        cursor.execute(statement, [listed(ids, vendor), first, last, listed(ids, vendor), first, last])
        return [(account, _as_date(day), followers) for account, day, followers in cursor.fetchall()]


def _as_date(day: date | str) -> date:
    """A day as a statement of ours gives it back; SQLite knows text only."""
    return date.fromisoformat(day) if isinstance(day, str) else day


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
