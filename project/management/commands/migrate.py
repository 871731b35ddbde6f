"""`manage.py migrate` beside a running product: one at a time, and never a table blocked for long."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from psycopg2.errors import DeadlockDetected, LockNotAvailable

LOCK = 0x7469_6465  # of all migrations of one database: PostgreSQL's advisory locks are numbers
LOCK_TIMEOUT = "500ms"  # a waiting ALTER TABLE makes everybody behind it wait as well, and then while it works
TRIES = 60
PAUSE = 2.0  # seconds between two tries, for whoever waited meanwhile
LOOK = 0.5  # seconds between two looks whether another one has ended
HELD = ".migrating"  # what the file is called whose lock SQLite's migrations hold: like the database, with this behind


class Command(migrate.Command):
    """Django's own, one process at a time; on PostgreSQL with a limit to waiting for locks, and another try."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate. Raises CommandError when a table stayed in use: what was done by then stays, the rest is to do."""
        connection = connections[options.get("database") or DEFAULT_DB_ALIAS]
        if connection.vendor != "postgresql":
            with self._alone_with_file(connection):
                super().handle(*args, **options)
        elif connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
            self.stderr.write("Behind pgbouncer nothing guards migrations: set DATABASE_URL to PostgreSQL itself.")
            super().handle(*args, **options)
        else:
            with self._alone(connection), _limited(connection):
                self._insist(*args, **options)

    def _insist(self, *args: Any, **options: Any) -> None:
        """Try again after a table was in use: each migration that is done is recorded, one that failed left nothing."""
        for left in reversed(range(TRIES)):
            try:
                super().handle(*args, **options)
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
                    raise
                if not left:
                    raise CommandError(
                        f"A table stayed in use ({_first_line(error)}). What was migrated until then is kept; "
                        "end what holds it (see pg_stat_activity), then run this again."
                    ) from error
                self.stderr.write(f"A table is in use ({_first_line(error)}): trying again, {left} times at most.")
                time.sleep(PAUSE)
            else:
                return

    @contextmanager
    def _alone(self, connection: Any) -> Iterator[None]:
        """Hold the lock of all migrations. By asking again and again: waiting inside PostgreSQL holds a snapshot, for
        whose end an index that another host builds concurrently would wait, for ever.
        """
        with connection.cursor() as cursor:
            self._wait(lambda: _ask(cursor, "SELECT pg_try_advisory_lock(%s)"))
        try:
            yield
        finally:
            if connection.is_usable():  # the lock goes with its connection
                with connection.cursor() as cursor:
                    _ask(cursor, "SELECT pg_advisory_unlock(%s)")

    @contextmanager
    def _alone_with_file(self, connection: Any) -> Iterator[None]:
        """The same for SQLite, by a file beside the database: SQLite's own locks go between two migrations. The kernel
        lets go of it when its process ends; the file stays, for whoever waits has it open.
        """
        name = connection.settings_dict["NAME"]
        with nullcontext() if connection.is_in_memory_db() else Path(f"{name}{HELD}").open("a") as file:
            if file is not None:
                self._wait(lambda: _take(file))
            yield

    def _wait(self, is_ours: Callable[[], bool]) -> None:
        """Until nobody else migrates; says once that it waits."""
        told = False
        while not is_ours():
            if not told:
                self.stderr.write("Another process migrates this database: waiting until it has ended.")
                told = True
            time.sleep(LOOK)


@contextmanager
def _limited(connection: Any) -> Iterator[None]:
    """Wait for a lock LOCK_TIMEOUT at most; what runs is not cut off, whatever the role's own limits are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, false), set_config('statement_timeout', '0', false)", [LOCK_TIMEOUT]
        )
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
                cursor.execute("RESET statement_timeout")


def _ask(cursor: Any, question: str) -> bool:
    cursor.execute(question, [LOCK])
    return bool(cursor.fetchone()[0])


def _take(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].strip()
