"""PostgreSQL through one pool of connections per process: django-db-connection-pool, made safe at its edges.

The connections are kept by SQLAlchemy's QueuePool, whose settings are DB_POOL_SIZE, _MAX_OVERFLOW, _TIMEOUT, _RECYCLE
and _PRE_PING. What is added: a used-up pool raises an error of Django's, so that whoever copes with a database that is
away copes with it too; a forked process starts with a pool of its own; and tests never meet the real database.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import Any

from dj_db_conn_pool.backends.postgresql import base
from dj_db_conn_pool.core import pool_container
from django.db import OperationalError, connections
from django.db.backends.postgresql.creation import DatabaseCreation as PostgreSQLCreation
from sqlalchemy.exc import TimeoutError as NoneFree


class PoolExhausted(OperationalError):
    """Every connection that this process may have stayed in use for DB_POOL_TIMEOUT seconds."""


class DatabaseCreation(PostgreSQLCreation):
    """Leaves the pool of the real database before the test database takes its name."""

    def _create_test_db(self, *args: Any, **options: Any) -> str:
        _forget_pools()
        name: str = super()._create_test_db(*args, **options)  # type: ignore[misc]  # the stubs do not know it
        return name


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL, whose connections come from the pool and go back to it when a request ends."""

    creation_class = DatabaseCreation

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection from the pool; raises PoolExhausted when none became free in time."""
        try:
            return super().get_new_connection(conn_params)
        except NoneFree as error:
            raise PoolExhausted("No database connection became free in time (DB_POOL_TIMEOUT).") from error


def _forget_pools() -> None:
    """Close what lies in the pools; the next connection makes a new one."""
    with pool_container.lock:
        pool_container.dispose()
        pool_container.clear()


_inherited: list[object] = []
"""Kept for ever: to let go of a parent's connections would say goodbye to the server in the parent's name."""


def _start_afresh() -> None:
    """In a forked child: leave the parent's connections alone and begin without any."""
    pool_container.lock = Lock()  # whoever held it lives in the parent alone
    _inherited.append(dict(pool_container))
    pool_container.clear()
    for wrapper in connections.all(initialized_only=True):
        _inherited.append(wrapper.connection)
        wrapper.connection = None


os.register_at_fork(after_in_child=_start_afresh)
