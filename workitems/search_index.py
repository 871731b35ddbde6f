"""What makes the search quick on PostgreSQL: a column of words and one of letters, kept by a trigger, with indexes."""

from __future__ import annotations

import sys
from typing import Any

from django.core import checks
from django.db import DEFAULT_DB_ALIAS, OperationalError, ProgrammingError, connections

TABLE = "workitems_workitem"
COLUMNS = ("number", "location", "description", "submitter_name", "captions")
"""Where words are sought, and in the detail: on SQLite workitems.search puts the same together for each item."""

WORDS, LETTERS = "ix_workitem_words", "ix_workitem_letters"
KEEPER = "workitems_keep_words"
_NEW, _OLD = (", ".join(f"{row}.{name}" for name in (*COLUMNS, "detail")) for row in ("NEW", "OLD"))
_SAID = f"concat_ws(' ', {', '.join(f'NEW.{name}' for name in COLUMNS)}, left(NEW.detail, 50000))"
KEPT = f"""
ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS words tsvector, ADD COLUMN IF NOT EXISTS letters text;
ALTER TABLE {TABLE} ALTER COLUMN words DROP EXPRESSION IF EXISTS, ALTER COLUMN letters DROP EXPRESSION IF EXISTS;
CREATE OR REPLACE FUNCTION {KEEPER}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.letters IS NULL OR ({_NEW}) IS DISTINCT FROM ({_OLD}) THEN
        NEW.letters := {_SAID};
        NEW.words := to_tsvector('english', NEW.letters);
        NEW.letters := lower(NEW.letters);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER {KEEPER} BEFORE INSERT OR UPDATE OF {", ".join(COLUMNS)}, detail ON {TABLE}
    FOR EACH ROW EXECUTE FUNCTION {KEEPER}();
"""
"""No model knows the columns: SQLite has no such types. Kept small, `letters` are compared ten times as fast as ILIKE.

Generated columns would be shorter, but adding them rewrites the table, and nobody reads or writes it meanwhile.
"""
FILL = f"""
UPDATE {TABLE} SET detail = detail WHERE id IN (
    SELECT id FROM {TABLE} WHERE id > %s AND letters IS NULL ORDER BY id LIMIT 250
) RETURNING id
"""  # noqa: S608  # names of our own

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

    Nothing on SQLite, which reads all items. Items that were there before are filled in a few at a time, so whoever
    writes one of them waits for these alone. An index that an interrupted run left half built is built again.
    """
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(KEPT)  # in one go, or what is written between the two would be missing
        _fill(cursor)
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
            cursor.execute(f"DROP FUNCTION IF EXISTS {KEEPER} CASCADE")  # its trigger, too
            cursor.execute(f"ALTER TABLE {TABLE} DROP COLUMN IF EXISTS words, DROP COLUMN IF EXISTS letters")


def _fill(cursor: Any) -> None:
    """Let the trigger see each item that is from before it."""
    last: int | None = 0
    while last is not None:
        cursor.execute(FILL, [last])
        last = max((pk for (pk,) in cursor.fetchall()), default=None)


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
