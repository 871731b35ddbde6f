"""Many figures made inside PostgreSQL, by generate_series: what a benchmark asks after, not how it came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection

from accounts.platforms import find_platform
from accounts.rosters import read_roster
from accounts.seeding import ROSTER
from perf.clock import today
from snapshots import statements
from snapshots.models import CHANGES

OFFICE = 60  # accounts of an organisation
KINDS = {"boolean": "false", "uuid": "gen_random_uuid()", "jsonb": "'{}'", "date": "current_date", "interval": "'0'"}
NUMBERS = {"bigint", "integer", "smallint", "double precision", "numeric"}

FIGURES = """
INSERT INTO snapshots_snapshot (account_id, date, observed_at, source, quality, followers, followers_rounded, following,
    posts, likes, comments, shares, engagements)
SELECT n, date '{first}' + day, date '{first}' + day + interval '4 hours', 'simulated', 'published',
    1000 + n * 7 % 100000 + day * (n % 9), false, 300 + n % 99,
    500 + day, n % 977, n % 89, n % 97, n % 977 + n % 89 + n % 97
FROM generate_series(0, {days} - 1) day, generate_series(1, {accounts}) n
"""


def fill(accounts: int, days: int) -> None:
    """`accounts` in the demo's mix, each with a figure on each of `days` to yesterday; latest rows and totals are true.

    Seven of fourteen counts are told, about as many as platforms tell on average.
    """
    found = (find_platform(row.platform) for row in read_roster(ROSTER.read_bytes()))
    platforms = [f"'{platform.name}'" for platform in found if platform]
    first = today() - timedelta(days=days)
    with connection.cursor() as cursor:
        insert(cursor, "accounts_organization", accounts // OFFICE + 1, {"name": "'Office ' || n"})
        mix = f"(ARRAY[{', '.join(platforms)}])[1 + n % {len(platforms)}]"
        name = "'user' || n"
        insert(
            cursor, "accounts_account", accounts,
            {"platform": mix, "handle": name, "handle_key": name, "organization_id": f"1 + (n - 1) / {OFFICE}",
             "is_active": "true"},
        )  # fmt: skip
        with bare(cursor, "snapshots_snapshot"):
            cursor.execute(FIGURES.format(first=first, days=days, accounts=accounts))
        cursor.execute("VACUUM ANALYZE")
    ids = list(range(1, accounts + 1))
    statements.insert_latest(ids)
    statements.refresh_latest(dict.fromkeys(ids, days), CHANGES)
    statements.rebuild_totals()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def insert(cursor: Any, table: str, count: int, given: dict[str, str]) -> None:
    """`count` rows: what is given as SQL of their number n, and blanks in whatever else may not be NULL.

    The table may be as any version of the product has it.
    """
    cursor.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"
        " AND is_nullable = 'NO' AND is_identity = 'NO' AND column_default IS NULL",
        [table],
    )
    values = {column: _blank(kind) for column, kind in cursor.fetchall()} | given
    columns, expressions = ", ".join(values), ", ".join(values.values())
    with bare(cursor, table):
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {expressions} FROM generate_series(1, {count}) n")  # noqa: S608  # ours


def _blank(kind: str) -> str:
    if kind.startswith("timestamp"):
        return "now()"
    return "0" if kind in NUMBERS else KINDS.get(kind, "''")


@contextmanager
def bare(cursor: Any, table: str) -> Iterator[None]:
    """The table without foreign keys, unique constraints and indexes, which are quicker made at once than kept up."""
    cursor.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = to_regclass(%s) AND contype IN ('f', 'u')",
        [table],
    )
    constraints = cursor.fetchall()
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = to_regclass(%s)"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)",
        [table],
    )
    indexes = cursor.fetchall()
    for name, _ in constraints:
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for _, made in indexes:
        cursor.execute(made)
    for name, made in constraints:
        cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {made}')


def bytes_of(table: str) -> int:
    """What a table takes with its indexes and partitions, dead rows too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_total_relation_size(%s::regclass) + coalesce(sum(pg_total_relation_size(inhrelid)), 0)"
            " FROM pg_inherits WHERE inhparent = %s::regclass",
            [table, table],
        )
        return int(cursor.fetchone()[0])
