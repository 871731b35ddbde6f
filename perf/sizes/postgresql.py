"""Sizes as PostgreSQL's catalogue tells them; the partitions of a table count as the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from perf.sizes.tables import Index, Measured, Table

WAIT = "SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '5s'"
"""A size is no reason to queue behind whoever alters a table."""

DATABASE = "SELECT pg_database_size(current_database())"

# The statistics count writes as they happen; where they know of none (after a crash, or a restore), what the last
# ANALYZE or VACUUM saw stands in, and -1 is that none has run.
TABLES = """
SELECT root.relname, sum(pg_total_relation_size(c.oid)), sum(pg_indexes_size(c.oid)),
       sum(CASE WHEN s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0 OR s.n_live_tup > 0 THEN s.n_live_tup
                WHEN c.reltuples >= 0 THEN c.reltuples::bigint
                WHEN pg_relation_size(c.oid) = 0 THEN 0 END),
       sum(s.n_dead_tup)
FROM pg_class c
JOIN pg_class root ON root.oid = COALESCE(pg_partition_root(c.oid), c.oid)
JOIN pg_namespace n ON n.oid = root.relnamespace
LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'm') AND n.nspname = ANY (current_schemas(false))
GROUP BY root.relname
"""

INDEXES = """
SELECT i.relname, t.relname, pg_relation_size(i.oid)
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE i.relkind = 'i' AND t.relkind IN ('r', 'm') AND n.nspname = ANY (current_schemas(false))
"""


def whole(connection: BaseDatabaseWrapper) -> Measured:
    """The size of the database alone; a refusal leaves it out and says so."""
    found = Measured()
    _take(connection, DATABASE, "The size of the whole database", found, _take_database)
    return found


def measured(connection: BaseDatabaseWrapper) -> Measured:
    """What this database tells of itself; a refusal leaves its figures out and says so."""
    found = whole(connection)
    _take(connection, TABLES, "Sizes of tables", found, _take_tables)
    _take(connection, INDEXES, "Sizes of indexes", found, _take_indexes)
    return found


Rows = Sequence[tuple[Any, ...]]


def _take(
    connection: BaseDatabaseWrapper, sql: str, what: str, found: Measured, take: Callable[[Measured, Rows], None]
) -> None:
    """Ask for `what`; within a savepoint, so that a refusal costs no more than itself."""
    try:
        with transaction.atomic(connection.alias), connection.cursor() as cursor:
            cursor.execute(WAIT)
            cursor.execute(sql)
            take(found, cursor.fetchall())
    except DatabaseError as refusal:
        first = str(refusal).strip().partition("\n")[0]
        found.why.append(f"{what}: PostgreSQL did not tell ({first}).")


def _take_database(found: Measured, rows: Rows) -> None:
    found.bytes = rows[0][0]


def _take_tables(found: Measured, rows: Rows) -> None:
    found.tables = [
        Table(name, int(size), int(indexes), _known(count), dead_rows=_known(dead))
        for name, size, indexes, count, dead in rows
    ]


def _take_indexes(found: Measured, rows: Rows) -> None:
    found.indexes = [Index(name, table, size) for name, table, size in rows]


def _known(count: Any) -> int | None:
    return None if count is None else int(count)
