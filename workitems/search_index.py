"""What makes the search quick on PostgreSQL: a column of words with its index, and an index of letters by threes."""

from __future__ import annotations

import sys
from typing import Any

from django.core import checks
from django.db import DEFAULT_DB_ALIAS, OperationalError, ProgrammingError, connections

TABLE = "workitems_workitem"
COLUMNS = ("number", "location", "description", "submitter_name", "captions")
DOCUMENT = " || ' ' || ".join(COLUMNS) + " || ' ' || left(detail, 50000)"
"""As workitems.search asks for it: an index serves exactly what it is on."""

WORDS, LETTERS = "ix_workitem_words", "ix_workitem_letters"
COLUMN = (
    f"ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS search tsvector"
    f" GENERATED ALWAYS AS (to_tsvector('english', {DOCUMENT})) STORED"
)
WORDS_INDEX = f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {WORDS} ON {TABLE} USING gin (search)"
LETTERS_INDEX = f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {LETTERS} ON {TABLE} USING gin (({DOCUMENT}) gin_trgm_ops)"
EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
WITHOUT = (
    "This database does not let us have its extension pg_trgm. The search works, but a part of a word is sought in"
    f" every item, which is slow among many. Have an administrator of the database run “{EXTENSION}”, then run"
    " “manage.py index_search”."
)


def build(connection: Any) -> bool:
    """Make what is missing, beside running writers; whether parts of words have their index now.

    Nothing on SQLite, which reads all items. The column is filled at once: writers wait for that, about a minute for
    each million items. An index that an interrupted run left half built is built again.
    """
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(COLUMN)
        _index(cursor, WORDS, WORDS_INDEX)
        try:
            cursor.execute(EXTENSION)
        except (OperationalError, ProgrammingError) as refused:  # no right to, or not installed
            print(f"{WITHOUT} It said: {refused}", file=sys.stderr)
            return False
        _index(cursor, LETTERS, LETTERS_INDEX)
    return True


def drop(connection: Any) -> None:
    """Take it all away; the extension stays, which may be another's too."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {LETTERS}")
            cursor.execute(f"ALTER TABLE {TABLE} DROP COLUMN IF EXISTS search")


def _index(cursor: Any, name: str, statement: str) -> None:
    cursor.execute("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid", [name])
    if cursor.fetchone():
        cursor.execute(f"DROP INDEX CONCURRENTLY {name}")
    cursor.execute(statement)


@checks.register("database")
def part_words_are_indexed(databases: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """Warn where parts of words are sought without an index."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql" or DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s), to_regclass(%s)", [TABLE, LETTERS])
        table, index = cursor.fetchone()
    return [checks.Warning(WITHOUT, id="workitems.W001")] if table and not index else []
