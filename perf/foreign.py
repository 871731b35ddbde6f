"""Another program's SQLite file, to be read and never changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote


class Unreadable(ValueError):
    """It is no such file; the text says why."""


@contextmanager
def opened(path: Path, *, tables: tuple[str, ...]) -> Iterator[sqlite3.Connection]:
    """The database at `path` with rows by name, bytes that are no UTF-8 replaced. Unreadable without all `tables`."""
    try:
        old = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise Unreadable(f"{path} cannot be opened: {error}.") from error
    old.row_factory = sqlite3.Row
    old.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        if missing := [name for name in tables if name not in _tables(old)]:
            raise Unreadable(f"{path} is no database of the predecessor: it has no table {', '.join(missing)}.")
        yield old
    except sqlite3.Error as error:
        raise Unreadable(f"{path} cannot be read: {error}.") from error
    finally:
        old.close()


def tables_of(path: Path) -> frozenset[str]:
    """The names of its tables. Raises Unreadable."""
    with opened(path, tables=()) as old:
        return frozenset(_tables(old))


def _tables(old: sqlite3.Connection) -> set[str]:
    return {row["name"] for row in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
