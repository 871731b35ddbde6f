"""Nobody waits for a PostgreSQL that hangs: its web threads are let go, and pages say 503 until it answers again.

A hung server (a stopped machine, a disk that does not come back, a line that swallows everything) answers nothing and
closes nothing, so a client that waits for its answer waits for ever, and with its few threads the whole product does.
One thread of each process watches how long the others have been waiting. After PATIENCE it tries to connect by itself:
where that succeeds the statement is merely slow and goes on, up to DB_STATEMENT_TIMEOUT, when the server ends it. Where
it takes longer than PROBE, the server hangs: what waits is cut loose, and until a connection succeeds again nobody else
is made to wait.

Worker and commands are left alone: a task has its time limits, and a migration may take as long as it takes.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from time import monotonic, sleep
from typing import Any

import psycopg2
from django.db import connections
from psycopg2 import extensions

PATIENCE = 2.0  # seconds of waiting after which the server is asked whether it is there
PROBE = 3.0  # seconds that it has to say so
TICK = 0.25  # seconds between two looks
GRACE = 5.0  # seconds beyond its time limit after which a statement is cut loose, for behind pgbouncer no probe tells
logger = logging.getLogger(__name__)
HUNG = "PostgreSQL does not answer; nobody is made to wait for it until it does."


class Watch:
    """Who waits for the server at `dsn`, since when, and whether it answers at all."""

    def __init__(self, dsn: str) -> None:
        self.hangs = False
        self._dsn = dsn
        self._waiting: dict[int, tuple[float, extensions.connection | None]] = {}
        self._trusted_until = 0.0  # monotonic seconds

    @contextmanager
    def waiting(self, connection: extensions.connection | None = None) -> Iterator[None]:
        """For as long as this thread waits for the server; raises OperationalError at once while it hangs."""
        if self.hangs:
            raise psycopg2.OperationalError(HUNG)
        me = threading.get_ident()
        outer = self._waiting.get(me)  # a copy out of one connection may be fed by questions over another
        self._waiting[me] = monotonic(), connection
        try:
            yield
        finally:
            if outer is None:
                del self._waiting[me]
            else:
                self._waiting[me] = outer

    def start(self) -> None:
        """Look every TICK from now on."""
        threading.Thread(target=self._watch, name="database", daemon=True).start()

    def _watch(self) -> None:
        while True:
            sleep(TICK)
            try:
                self.look()
            except Exception:  # nobody else looks, and the next time it may be well
                logger.exception("the look after PostgreSQL failed and is taken again")
                sleep(PATIENCE)

    def look(self) -> None:
        """Ask for the server where somebody has waited for long, and cut loose whom it leaves waiting."""
        if not self.hangs and not self._late(PATIENCE):
            return
        if self.hangs or monotonic() >= self._trusted_until:  # a long statement costs it no four connections a second
            self.hangs = not self._answers()
            self._trusted_until = monotonic() + PATIENCE
        if self.hangs or _limit.seconds:
            for connection in self._late(PATIENCE if self.hangs else _limit.seconds + GRACE):
                _cut(connection)

    def _late(self, seconds: float) -> list[extensions.connection]:
        """The connections over which somebody has waited for longer; who waits for a new one gives up by himself."""
        before = monotonic() - seconds
        return [over for since, over in list(self._waiting.values()) if since < before and over is not None]

    def _answers(self) -> bool:
        """Whether the server is there. One that refuses is: it is full or starting, and says so to everybody."""
        started = monotonic()
        with suppress(psycopg2.OperationalError), closing(psycopg2.connect(self._dsn, connect_timeout=int(PROBE))):
            return True
        return monotonic() - started < PROBE - TICK


def _cut(connection: extensions.connection) -> None:
    """End the connection's socket under whoever waits for it, who is then told that the server went away."""
    with suppress(psycopg2.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


class _Limit:
    """How many seconds a statement may take; 0 for any number."""

    seconds = 0.0


_limit = _Limit()
_watches: dict[str, Watch] = {}
_guard = threading.Lock()


def _watch_of(dsn: str) -> Watch:
    """The one that looks after the connections to `dsn`."""
    with _guard:
        if dsn not in _watches:
            _watches[dsn] = Watch(dsn)
            _watches[dsn].start()
        return _watches[dsn]


class Cursor(extensions.cursor):
    """A cursor whose waiting is watched."""

    connection: Connection

    def execute(self, *args: Any, **options: Any) -> None:
        with self.connection.watch.waiting(self.connection):
            super().execute(*args, **options)

    def executemany(self, *args: Any, **options: Any) -> None:
        with self.connection.watch.waiting(self.connection):
            super().executemany(*args, **options)

    def copy_expert(self, *args: Any, **options: Any) -> None:
        with self.connection.watch.waiting(self.connection):
            super().copy_expert(*args, **options)

    def fetchmany(self, *args: Any, **options: Any) -> list[tuple[Any, ...]]:
        if self.name is None:  # its rows are here
            return super().fetchmany(*args, **options)
        with self.connection.watch.waiting(self.connection):
            return super().fetchmany(*args, **options)


class Connection(extensions.connection):
    """A connection whose waiting is watched."""

    def __init__(self, dsn: str, *args: Any, **options: Any) -> None:
        self.watch = _watch_of(dsn)
        with self.watch.waiting():
            super().__init__(dsn, *args, **options)

    def cursor(self, *args: Any, **options: Any) -> Any:
        """One of ours; what Django names as the factory of its cursors is set after this object was made."""
        return super().cursor(*args, **{"cursor_factory": Cursor} | options)

    def commit(self) -> None:
        with self.watch.waiting(self):
            super().commit()

    def rollback(self) -> None:
        with self.watch.waiting(self):
            super().rollback()


class LimitedConnection(Connection):
    """The same where the session is ours alone: its server ends a statement that takes too long."""

    def __init__(self, dsn: str, *args: Any, **options: Any) -> None:
        super().__init__(dsn, *args, **options)
        with self.cursor() as cursor:
            cursor.execute("SET statement_timeout = %s", [int(_limit.seconds * 1000)])
        self.commit()


def watch(seconds: float) -> None:
    """Watch every connection that this process makes from now on; a statement may take that many `seconds`, 0: any."""
    _limit.seconds = seconds
    for settings in connections.settings.values():
        if settings["ENGINE"] in {"django.db.backends.postgresql", "project.pool"}:
            ours = seconds and not settings.get("DISABLE_SERVER_SIDE_CURSORS")  # behind pgbouncer it is everybody's
            settings["OPTIONS"]["connection_factory"] = LimitedConnection if ours else Connection
