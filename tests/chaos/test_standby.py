"""A standby follows, refuses writes, and after its promotion takes them at the address that was there all the time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import environ
import psycopg2
import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from project import children, databases
from project.embedded import Postgres

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(200)]


@pytest.fixture
def servers() -> Iterator[tuple[Postgres, Postgres]]:
    """A PostgreSQL and its standby, made as documented."""
    folder = Path(tempfile.mkdtemp(prefix="tidemark-standby-", dir="/tmp"))
    folder.chmod(0o711)  # PostgreSQL may have to run as another user
    first, second = (Postgres(folder / name, durable=True) for name in ("first", "second"))
    try:
        first.start()
        second.directory.mkdir(mode=0o700)
        copy = ["--pgdata", first.directory / "copy", "--write-recovery-conf", "--wal-method", "stream"]
        where = ["--host", str(first._short), "--username", "tidemark", "--checkpoint", "fast"]
        assert first._spawn("pg_basebackup", *where, *copy).wait() == 0, first.log.read_text()
        (first.directory / "copy").rename(second.data)
        second.start()
        yield first, second
    finally:
        second.stop()
        first.stop()


@pytest.fixture
def both(servers: tuple[Postgres, Postgres], monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any) -> Iterator[Any]:
    """A connection as DATABASE_URL with both addresses gives one."""
    hosts = ",".join(str(server._short) for server in servers)
    monkeypatch.setenv("DATABASE_URL", f"postgres://tidemark@/tidemark?host={hosts}&target_session_attrs=read-write")
    with django_db_blocker.unblock():  # it is not the tests' own
        yield ConnectionHandler({"default": databases.main(environ.Env(), Path())})["default"]


def run(connection: Any, statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def test_promoted_standby_takes_over_with_what_it_followed(servers: tuple[Postgres, Postgres], both: Any) -> None:
    first, second = servers
    run(both, "CREATE TABLE written (n int)")
    run(both, "INSERT INTO written VALUES (1)")
    following = psycopg2.connect(second.url())
    following.autocommit = True
    while not run(following, "SELECT to_regclass('written')")[0][0] or not run(following, "SELECT n FROM written"):
        time.sleep(0.05)
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        run(following, "INSERT INTO written VALUES (2)")

    assert first.process is not None
    children.kill(first.process)
    with pytest.raises(OperationalError):
        run(both, "INSERT INTO written VALUES (3)")
    both.close()
    with pytest.raises(OperationalError):  # the one that is left takes no writes yet
        both.ensure_connection()
    run(following, "SELECT pg_promote()")
    run(both, "INSERT INTO written VALUES (4)")
    assert run(both, "SELECT n FROM written ORDER BY n") == [(1,), (4,)]
    following.close()
    both.close()
