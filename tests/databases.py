"""The migrated database, made once for all processes of a run, and copied: migrating takes many seconds, copying none.

On PostgreSQL it is a template beside the tests' databases; on SQLite a file. A change of the product's code makes it
anew, so a server that outlives the run (TEST_DATABASE_URL) serves the next one too.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import OperationalError, connection, transaction

from tests import services

PATIENCE = 100
"""Seconds to wait for another process that makes the template; less than a test has (pyproject.toml), to say why."""
LARGE = 1_000_000  # bytes of a table that is emptied as a whole rather than row by row


def copy() -> None:
    """Put a fresh copy of the migrated database where this process's tests have theirs."""
    name = _own_name()
    connection.close()
    if connection.vendor == "sqlite":
        template = _sqlite_template()
        _use(name)
        connection.ensure_connection()
        with closing(sqlite3.connect(template)) as source:
            source.backup(connection.connection)  # in place: who still has the file open goes on in the same one
    else:
        with connection._nodb_cursor() as cursor:
            template = _postgresql_template(cursor)
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        _use(name)
        _given()  # before any test writes


@cache
def _own_name() -> str:
    """Of this process's copy; asked once, before the settings call the copy the database that it is a test of."""
    return str(connection.creation._get_test_db_name())


def clean() -> None:
    """Take back what a test committed. Django would empty every table and write types, permissions and roles anew.

    Tables that the template leaves empty are emptied, the others get its rows again. Where there are other tables, the
    copy is made anew; on SQLite always.
    """
    if connection.vendor == "sqlite" or not _as_given():
        copy()
    ContentType.objects.clear_cache()


def _as_given() -> bool:
    """Give the tables what the template has in them; False where they are not the same tables."""
    with transaction.atomic(), connection.cursor() as cursor:
        if _tables(cursor) != _given().keys():
            return False
        _empty(cursor, [table for table, rows in _given().items() if not rows])
        for table, rows in _given().items():
            if rows and _rows(cursor, table) != rows:
                cursor.execute(f"DELETE FROM {_quoted(table)}")  # noqa: S608 - from the catalogue
                cursor.copy_expert(f"COPY {_quoted(table)} FROM STDIN", StringIO(rows))
    return True


@cache
def _given() -> dict[str, str]:
    """By table, the rows of the template."""
    with connection.cursor() as cursor:
        return {table: _rows(cursor, table) for table in _tables(cursor)}


def _tables(cursor: Any) -> set[str]:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    return {name for (name,) in cursor.fetchall()}


def _empty(cursor: Any, tables: Iterable[str]) -> None:
    """Empty `tables`: the large ones by TRUNCATE, which takes long for each, the others by DELETE, for each row."""
    sizes = " UNION ALL ".join(
        f"SELECT '{table}', pg_relation_size('{_quoted(table)}') WHERE EXISTS (SELECT FROM {_quoted(table)})"  # noqa: S608
        for table in tables
    )
    cursor.execute(sizes)
    filled = cursor.fetchall()
    if large := [_quoted(table) for table, size in filled if size > LARGE]:
        cursor.execute(f"TRUNCATE {', '.join(large)} CASCADE")
    for table, _ in filled:
        cursor.execute(f"DELETE FROM {_quoted(table)}")  # noqa: S608 - from the catalogue


def _rows(cursor: Any, table: str) -> str:
    """The rows of `table` as COPY has them, in an order of their own."""
    found = StringIO()
    ordered = f"SELECT r.* FROM {_quoted(table)} r ORDER BY r::text"  # noqa: S608 - from the catalogue
    cursor.copy_expert(f"COPY ({ordered}) TO STDOUT", found)
    return found.getvalue()


def _quoted(table: str) -> str:
    return str(connection.ops.quote_name(table))


def drop() -> None:
    """Remove this process's copy; the template stays as long as its server."""
    name = connection.settings_dict["NAME"]
    connection.close()
    if connection.vendor == "sqlite":
        _remove(Path(name))
        return
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _sqlite_template() -> Path:
    template = Path(os.environ["TEST_TEMPLATE_FILE"])
    with _only_one(template.with_suffix(".lock")):
        if not template.exists():
            half = template.with_suffix(".half")
            _remove(half)
            _migrate(str(half))
            half.rename(template)
    return template


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _postgresql_template(cursor: Any) -> str:
    """The name of the template, which is as the code is. Held by its lock until `cursor`'s connection closes."""
    template, wanted = f"template{urlsplit(os.environ['TEST_DATABASE_URL']).path.replace('/', '_')}", _digest()
    _lock(cursor, template)
    cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [template])
    if cursor.fetchone() != (wanted,):
        cursor.execute(f'DROP DATABASE IF EXISTS "{template}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{template}"')
        _migrate(template)
        cursor.execute(f"COMMENT ON DATABASE \"{template}\" IS '{wanted}'")  # only now is it whole
    return template


def _lock(cursor: Any, template: str) -> None:
    """Take the lock of `template` alone: other runs on this server have their own. RuntimeError when it stays held.

    The lock goes with its holder's connection; whoever dies half-way leaves a template without its comment.
    """
    number = zlib.crc32(template.encode())
    cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{PATIENCE}s"])
    try:
        cursor.execute("SELECT pg_advisory_lock(%s)", [number])
    except OperationalError as error:  # psycopg's LockNotAvailable
        cursor.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted", [number])
        holders = ", ".join(str(pid) for (pid,) in cursor.fetchall()) or "nobody any more"
        raise RuntimeError(f"{template} was locked for {PATIENCE} s; PostgreSQL's process: {holders}.") from error
    cursor.execute("SELECT set_config('lock_timeout', '0', false)")


def _digest() -> str:
    """Of everything that decides what a migrated database holds."""
    found = hashlib.sha256(django.__version__.encode())
    for app in settings.INSTALLED_APPS:
        for path in sorted((services.ROOT / app.partition(".")[0]).rglob("*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()


def _migrate(name: str) -> None:
    _use(name)
    call_command("migrate", verbosity=0, skip_checks=True)
    connection.close()


def _use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
    settings.DATABASES["default"]["NAME"] = name


def _remove(path: Path) -> None:
    for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        each.unlink(missing_ok=True)
