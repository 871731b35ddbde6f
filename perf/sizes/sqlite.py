"""Sizes of a SQLite file: its pages and its log, and page by page whose they are."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from perf.sizes.tables import Index, Measured, Table

LOOK_THROUGH = 256 * 2**20  # bytes: asking whose each page is reads them all, about a second for this many
OBJECTS = "SELECT type, name, tbl_name FROM sqlite_master WHERE type IN ('table', 'index') AND rootpage > 0"


def whole(connection: BaseDatabaseWrapper) -> Measured:
    """The file with its log, without reading it through."""
    return Measured(bytes=_pages(connection) + _log(connection))


def measured(connection: BaseDatabaseWrapper) -> Measured:
    """The file with its log; tables and indexes of a file small enough to be read through."""
    found = whole(connection)
    if found.bytes is not None and found.bytes > LOOK_THROUGH:
        found.why.append(
            f"Sizes and rows of tables: of a SQLite file above {LOOK_THROUGH // 2**20} MB they are not asked for,"
            " because it would be read through. PostgreSQL keeps account of them."
        )
        return found
    sizes = _sizes(connection, found)
    tables, indexes = _objects(connection)
    found.indexes = [Index(name, table, sizes.get(name)) for name, table in indexes]
    of_table: defaultdict[str, int] = defaultdict(int)
    for index in found.indexes:
        of_table[index.table] += index.bytes or 0
    rows = _rows(connection, tables)
    for name in tables:
        own = sizes.get(name)
        total, of_indexes = (None, None) if own is None else (own + of_table[name], of_table[name])
        found.tables.append(Table(name, total, of_indexes, rows[name], rows_are_exact=True))
    return found


def _pages(connection: BaseDatabaseWrapper) -> int:
    """Bytes of the file; of a database in memory those of its pages, which count what is in a file's log as well."""
    file = Path(connection.settings_dict["NAME"])
    if file.exists():
        return file.stat().st_size
    with connection.cursor() as cursor:
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        size: int = cursor.fetchone()[0]
    return size


def _log(connection: BaseDatabaseWrapper) -> int:
    """Bytes that were written and are not in the file yet; none in memory."""
    log = Path(f"{connection.settings_dict['NAME']}-wal")
    return log.stat().st_size if log.exists() else 0


def _sizes(connection: BaseDatabaseWrapper, found: Measured) -> dict[str, int]:
    """Bytes by name of table or index; {} where this SQLite was built without dbstat, and `found` says so."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name")
            return dict(cursor.fetchall())
    except OperationalError as missing:
        found.why.append(f"Sizes of tables and indexes: this SQLite cannot tell ({missing}).")
        return {}


def _objects(connection: BaseDatabaseWrapper) -> tuple[list[str], list[tuple[str, str]]]:
    """Names of tables, and of indexes each with its table."""
    with connection.cursor() as cursor:
        cursor.execute(OBJECTS)
        rows = cursor.fetchall()
    return [name for kind, name, _ in rows if kind == "table"], [row[1:] for row in rows if row[0] == "index"]


def _rows(connection: BaseDatabaseWrapper, tables: list[str]) -> dict[str, int]:
    quote = connection.ops.quote_name
    asked = " UNION ALL ".join(
        f"SELECT {position}, count(*) FROM {quote(name)}"  # noqa: S608  # names from the catalogue, quoted
        for position, name in enumerate(tables)
    )
    with connection.cursor() as cursor:
        cursor.execute(asked or "SELECT 0, 0 WHERE 0")
        return {tables[position]: count for position, count in cursor.fetchall()}
