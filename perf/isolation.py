"""One state of the database for everything that is read within a block, whoever commits meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import Error, transaction

LOOKS = {"postgresql": "SELECT 1", "sqlite": "SELECT 1 FROM sqlite_master LIMIT 1"}
"""The least statement with which a transaction fixes the state that it sees."""


@contextmanager
def one_state() -> Iterator[None]:
    """Read one state of the database within the block: the one at its first statement. Nothing can be written there.

    REPEATABLE READ READ ONLY on PostgreSQL; on SQLite a deferred transaction, whose reader waits for no writer. It
    begins with the first statement: a block that asks nothing costs nothing. A transaction that is open already, a
    test's or another such block's, is left as it is.
    """
    connection: Any = transaction.get_connection()
    if any(isinstance(wrapper, _State) for wrapper in connection.execute_wrappers):
        yield
        return
    state = _State(connection)
    try:
        with connection.execute_wrapper(state):
            yield
    finally:
        state.end()


def look() -> None:
    """Fix the state that the block reads now, if none of its statements has yet."""
    connection = transaction.get_connection()
    with connection.cursor() as cursor:
        cursor.execute(LOOKS[connection.vendor])


class _State:
    """An execute wrapper that begins a transaction before the first statement."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._restore: Callable[[], None] | None = None
        self._begun = False

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if not (self._begun or self.connection.in_atomic_block):
            self._begun = True  # SQLite's BEGIN comes by here too
            self._restore = {"postgresql": _repeatable, "sqlite": _deferred}[self.connection.vendor](self.connection)
        return execute(sql, params, many, context)

    def end(self) -> None:
        """Let go of the state. A connection that broke meanwhile is closed; the error that says so is on its way."""
        if self._restore is None:
            return
        try:
            self.connection.rollback()
            self._restore()
        except Error:
            self.connection.close()


def _repeatable(connection: Any) -> Callable[[], None]:
    """Begin on PostgreSQL: psycopg sends both with its BEGIN; to set them, and to unset them after it, sends nothing.

    So nothing of it outlives the transaction in a session that a pooler hands on.
    """
    # Here, for a project on SQLite has neither psycopg2 nor psycopg 3.
    from django.db.backends.postgresql.psycopg_any import IsolationLevel, is_psycopg3  # noqa: PLC0415

    readonly = "read_only" if is_psycopg3 else "readonly"
    connection.set_autocommit(False)
    raw = getattr(connection.connection, "driver_connection", connection.connection)  # within what the pool gives
    raw.isolation_level = IsolationLevel.REPEATABLE_READ
    setattr(raw, readonly, True)

    def restore() -> None:
        raw.isolation_level = None
        setattr(raw, readonly, None)
        connection.set_autocommit(True)

    return restore


def _deferred(connection: Any) -> Callable[[], None]:
    """Begin on SQLite, where the settings let every other transaction begin with the lock of a writer."""
    usual, connection.transaction_mode = connection.transaction_mode, "DEFERRED"
    try:
        connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    finally:
        connection.transaction_mode = usual
    return lambda: connection.set_autocommit(True)
