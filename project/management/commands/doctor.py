"""`manage.py doctor`: is this installation fit to run? One line per finding."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from redis import Redis
from redis.exceptions import RedisError

from accounts.models import Account
from perf import clock
from perf.sizes import host, redis_servers
from perf.sizes.advice import Level
from project import recipes
from project.listening import WEB_THREADS
from project.recipes import CLOCK_SECONDS, Finding
from project.roles import ROLES
from project.sending import STREAMS

SQLITE_ACCOUNTS = 5_000
SQLITE_WORKERS = 3
OTHER_CONNECTIONS = 5  # the worker's parent, beat and its thread, a command or two
LEVELS = {Level.ATTENTION: "warn", Level.WRONG: "fail"}


def database() -> Iterator[Finding]:
    """It answers and every migration is applied."""
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        yield Finding("fail", f"{len(waiting)} migrations are not applied: run `manage.py migrate`.")
    else:
        yield Finding("ok", f"The database ({connection.vendor}) answers and is migrated.")


def size() -> Iterator[Finding]:
    """SQLite is not asked for more than it carries."""
    accounts, workers = Account.objects.count(), settings.WORKER_PROCESSES
    if connection.vendor == "sqlite" and (accounts > SQLITE_ACCOUNTS or workers > SQLITE_WORKERS):
        yield Finding(
            "warn",
            f"SQLite is fit for {SQLITE_ACCOUNTS:,} accounts and {SQLITE_WORKERS} worker processes on one host; there"
            f" are {accounts:,} accounts and {workers} worker processes. Set DATABASE_URL to a PostgreSQL.",
        )


def connections() -> Iterator[Finding]:
    """PostgreSQL has a connection for every thread and stream of `manage.py up` that may want one at once."""
    if connection.vendor != "postgresql" or settings.DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"]:
        return  # SQLite has none, and pgbouncer shares few among many
    pool = settings.DATABASES["default"].get("POOL_OPTIONS")
    asking = WEB_THREADS + STREAMS  # of one process; a stream keeps a connection to its reader's pace
    asking = min(asking, pool["POOL_SIZE"] + pool["MAX_OVERFLOW"]) if pool else asking
    wanted = settings.WEB_PROCESSES * asking + settings.WORKER_PROCESSES + OTHER_CONNECTIONS
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('max_connections'), current_setting('superuser_reserved_connections')")
        most, reserved = map(int, cursor.fetchone())
    text = f"PostgreSQL gives {most - reserved} connections; web server, worker and beat may want {wanted}"
    if wanted > most - reserved:
        remedy = "raise max_connections, lower WEB_PROCESSES or WORKER_PROCESSES, or put pgbouncer between"
        yield Finding("warn", f"{text}: {remedy}.")
    else:
        yield Finding("ok", f"{text}.")


def roles() -> Iterator[Finding]:
    """Every role has its group."""
    missing = sorted(set(ROLES) - set(Group.objects.values_list("name", flat=True)))
    if missing:
        yield Finding("fail", f"The roles {', '.join(missing)} are missing: run `manage.py sync_roles`.")
    else:
        yield Finding("ok", "Every role has its group.")


def cache() -> Iterator[Finding]:
    """The cache's Redis answers; it may evict."""
    if not settings.REDIS_URL:
        yield Finding("warn", "REDIS_URL is not set: every process keeps a cache of its own.")
        return
    with _redis(settings.REDIS_URL) as server:
        server.ping()
    yield Finding("ok", "The cache (REDIS_URL) answers.")


def memory() -> Iterator[Finding]:
    """Cache and queue have the room they need and evict exactly where they may."""
    named = [(redis_servers.CACHE, settings.REDIS_URL, None), (redis_servers.QUEUE, settings.BROKER_URL, None)]
    for server in redis_servers.together(one for one in named if one[1]):
        told = redis_servers.ask(server)
        if isinstance(told, redis_servers.Silent):
            continue  # cache() and broker() say so
        for advice in told.advice():
            yield Finding(LEVELS[advice.level], advice.text)
        if not told.advice():
            yield Finding("ok", f"The {server.name} server has room ({told.policy}).")


def broker() -> Iterator[Finding]:
    """The queue's and limits' Redis answers and agrees with our clock."""
    with _redis(settings.BROKER_URL) as server:
        seconds, micros = server.time()
    yield Finding("ok", "The broker (BROKER_URL) answers.")
    apart = abs((clock.now() - datetime.fromtimestamp(seconds + micros / 1e6, UTC)).total_seconds())
    if apart > CLOCK_SECONDS:
        yield Finding("warn", f"This machine's clock and the broker's are {apart:.0f} s apart: run a time service.")
    else:
        yield Finding("ok", "This machine's clock and the broker's agree.")


def files() -> Iterator[Finding]:
    """Files can be stored, and the secret key is nobody else's."""
    media = Path(settings.MEDIA_ROOT)
    media.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=media):
        yield Finding("ok", f"{media} can be written to.")
    key = settings.DATA_DIR / "secret_key"
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield Finding("fail", f"Others can read {key}: chmod 600 it.")
    else:
        yield Finding("ok", "The secret key is private.")


def store() -> Iterator[Finding]:
    """The bucket of photos takes a file, gives it back whole, and lets it go again."""
    if not settings.S3_BUCKET:
        return
    sent = os.urandom(32)
    name = default_storage.save(f"doctor/{sent.hex()}", ContentFile(sent))
    try:
        with default_storage.open(name) as file:
            came_back = file.read()
    finally:
        default_storage.delete(name)
    if came_back == sent and not default_storage.exists(name):
        yield Finding("ok", f"The bucket {settings.S3_BUCKET} takes files, gives them back and lets them go.")
    else:
        yield Finding("fail", f"The bucket {settings.S3_BUCKET} answers, and not with what was stored there just now.")


def disks() -> Iterator[Finding]:
    """There is room where files, a SQLite database, logs and exports lie, and where requests wait to be read."""
    places = {
        "uploaded files": settings.MEDIA_ROOT,
        "logs and exports": settings.DATA_DIR,
        "uploads being read": settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir(),
    }
    if connection.vendor == "sqlite":
        places["database"] = Path(connection.settings_dict["NAME"]).parent
    found = list(host.disks_of({use: str(place) for use, place in places.items()}))
    for advice in host.disk_advice(found):
        yield Finding(LEVELS[advice.level], advice.text)
    if not list(host.disk_advice(found)):
        yield Finding("ok", "The disks have room.")


CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "database": database,
    "size": size,
    "connections": connections,
    "roles": roles,
    "cache": cache,
    "broker": broker,
    "memory": memory,
    "files": files,
    "store": store,
    "disks": disks,
    **recipes.CHECKS,
}


REMEDIES = {
    "database": "Start it, or correct DATABASE_URL; nothing that needs it was looked at.",
    "cache": "Start it, or correct REDIS_URL; until then every answer is computed anew.",
    "broker": "Start it, or correct BROKER_URL; until then what is asked for waits.",
    "files": "Make MEDIA_ROOT a folder that the user who runs Tidemark may write to.",
    "store": "Correct S3_BUCKET, S3_ENDPOINT_URL, S3_REGION and the two keys, or what the key may do there.",
}
"""What to do about a part that does not answer."""


def _redis(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3)


def examine() -> Iterator[Finding]:
    """Every finding; a part that does not answer is one. Once the database failed, what else asks it goes unsaid."""
    database_failed = False
    for name, check in CHECKS.items():
        try:
            for finding in check():
                database_failed |= name == "database" and finding.level == "fail"
                yield finding
        except (DatabaseError, RedisError, OSError) as error:
            asked_database = isinstance(error, DatabaseError)
            if not (asked_database and database_failed):
                yield Finding("fail", f"{name}: {str(error).strip().splitlines()[0]}. {REMEDIES.get(name, '')}".strip())
            database_failed |= asked_database


class Command(BaseCommand):
    """Prints the findings; the exit code is 1 when one is a failure."""

    help = "Check database, Redis, roles, files and clocks; say what to do about what is wrong."
    requires_system_checks = "__all__"

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each finding as it is made."""
        failures = 0
        for level, text in examine():
            self.stdout.write(f"{level:4}  {text}")
            failures += level == "fail"
        if failures:
            raise CommandError(f"{failures} of these must be mended.")
