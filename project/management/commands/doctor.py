"""`manage.py doctor`: is this installation fit to run? One line per finding."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import redis
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import Account
from perf import clock
from project.roles import ROLES

SQLITE_ACCOUNTS = 5_000
SQLITE_WORKERS = 3
CLOCK_SECONDS = 2.0
SHORTEST_KEY = 32


class Finding(NamedTuple):
    """What a check found: ok, warn or fail, and a sentence."""

    level: str
    text: str


def database() -> Iterator[Finding]:
    """Reachable, migrated, and of the right size."""
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        yield Finding("fail", f"{len(waiting)} migrations wait: run `manage.py migrate`.")
        return
    yield Finding("ok", f"The database answers ({connection.vendor}) and is migrated.")
    if connection.vendor == "sqlite":
        accounts = Account.objects.count()
        if accounts > SQLITE_ACCOUNTS or settings.SCRAPE_WORKERS > SQLITE_WORKERS * 5:
            yield Finding(
                "warn",
                f"SQLite carries {SQLITE_ACCOUNTS:,} accounts, {SQLITE_WORKERS} worker processes and one host;"
                f" there are {accounts:,} accounts. Set DATABASE_URL to a PostgreSQL.",
            )
