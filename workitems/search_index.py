"""What makes the search quick on PostgreSQL: a column of words and one of letters, each with its index."""

from __future__ import annotations

import sys
from typing import Any

from django.core import checks
from django.db import DEFAULT_DB_ALIAS, OperationalError, ProgrammingError, connections

TABLE = "workitems_workitem"
COLUMNS = ("number", "location", "description", "submitter_name", "captions")
DOCUMENT = " || ' ' || ".join(COLUMNS) + " || ' ' || left(detail, 50000)"
"""What is sought: on SQLite workitems.search puts the same together for each item."""

WORDS, LETTERS = "ix_workitem_words", "ix_workitem_letters"
MADE = "ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {name} {kind} GENERATED ALWAYS AS ({value}) STORED"
COLUMNS_MADE = (
    MADE.format(table=TABLE, name="words", kind="tsvector", value=f"to_tsvector('english', {DOCUMENT})"),
    MADE.format(table=TABLE, name="letters", kind="text", value=f"lower({DOCUMENT})"),
)
"""No model knows them: SQLite has no such types. Kept small, `letters` are compared ten times as fast as by ILIKE."""

WORDS_INDEX = f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {WORDS} ON {TABLE} USING gin (words)"
LETTERS_INDEX = f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {LETTERS} ON {TABLE} USING gin (letters gin_trgm_ops)"
EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
WITHOUT = (
    "This database does not let us have its extension pg_trgm. The search works, but a part of a word is sought in"
    f" every item, which is slow among many. Have an administrator of the database run “{EXTENSION}”, then run"
    " “manage.py index_search”."
)


def build(connection: Any) -> bool:
    """Make what is missing, beside running writers; whether parts of words have their index now.

    Nothing on SQLite, which reads all items. The columns are filled at once: writers wait for that, a minute or two for
    each million items. An index that an interrupted run left half built is built again.
    """
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        for column in COLUMNS_MADE:
            cursor.execute(column)
        _index(cursor, WORDS, WORDS_INDEX)
        try:
            cursor.execute(EXTENSION)
        except (OperationalError, ProgrammingError) as refused:  # no right to, or not installed
            print(f"{WITHOUT} It said: {refused}", file=sys.stderr)
            return False
        _index(cursor, LETTERS, LETTERS_INDEX)
    return True


def drop(connection: Any) -> None:
    """Take it all away, the indexes with their columns; the extension stays, which may be another's too."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {TABLE} DROP COLUMN IF EXISTS words, DROP COLUMN IF EXISTS letters")


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
