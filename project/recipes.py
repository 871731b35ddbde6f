"""What following docs/operations.md can get wrong, looked for in a running installation by `manage.py doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from perf.clock import now
from project.backups.making import made
from scraping import heartbeats

SHORTEST_KEY = 32  # characters
SILENT_SECONDS = 300  # PostgreSQL may keep a silent host's session, and its locks, this long
BACKUP_AGE = timedelta(days=2)  # a night may fail; two are noticed


class Finding(NamedTuple):
    """What a check found: ok, warn or fail, and a sentence."""

    level: str
    text: str


def key() -> Iterator[Finding]:
    """The secret key was made by chance, and not copied from the example."""
    if settings.SECRET_KEY.startswith("replace-with") or len(settings.SECRET_KEY) < SHORTEST_KEY:
        yield Finding(
            "fail",
            "SECRET_KEY can be guessed: whoever does is anybody here. Set it to 50 random characters; everybody has to"
            " sign in again.",
        )


def proxy() -> Iterator[Finding]:
    """Behind TLS, somebody is believed who says that a request came over TLS."""
    if settings.HTTPS and not settings.TRUSTED_PROXIES:
        yield Finding(
            "fail",
            "BASE_URL is https and TRUSTED_PROXIES is empty: no request is believed to have come over TLS, and every"
            " page redirects to itself. Name the address that the proxy asks from.",
        )


def static() -> Iterator[Finding]:
    """Style sheets and scripts of this version are there."""
    collected = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if settings.STORAGES["staticfiles"]["BACKEND"] != "project.statics.StaticFiles":
        return
    if not collected.is_file():
        yield Finding("fail", f"No static files in {settings.STATIC_ROOT}: run `manage.py collectstatic --no-input`.")


def pooler() -> Iterator[Finding]:
    """A pooler between us and PostgreSQL is known of: behind it, the session we opened is not the one that answers."""
    if connection.vendor != "postgresql":
        return
    pooled = connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [answering] = cursor.fetchone()
    opened = connection.connection.get_backend_pid()
    if answering != opened and not pooled:
        yield Finding(
            "warn",
            "A pooler stands between us and PostgreSQL. If it is in transaction mode, set DB_TRANSACTION_POOLING=1:"
            " long reads would fail in their middle.",
        )
    if pooled and "POOL_OPTIONS" in settings.DATABASES["default"]:
        yield Finding("warn", "DB_POOL keeps connections that pgbouncer is there to share: leave one of the two off.")


def silence() -> Iterator[Finding]:
    """PostgreSQL lets go of a host that went silent; over its socket there is none."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT inet_server_addr() IS NOT NULL, current_setting('tcp_keepalives_idle')::int")
        over_tcp, seconds = cursor.fetchone()
    here = connection.settings_dict["HOST"] in {"", "localhost", "127.0.0.1", "::1"}
    if over_tcp and not here and not 0 < seconds <= SILENT_SECONDS:
        yield Finding(
            "warn",
            f"PostgreSQL waits {seconds or 7_200:,} s before it asks whether a silent host is still there; its locks"
            " stay as long. Set tcp_keepalives_idle = 30 in postgresql.conf.",
        )


def running() -> Iterator[Finding]:
    """Worker and beat, once they ran, still do."""
    for name, state in heartbeats.states().items():
        if state == "silent":
            yield Finding("warn", f"No {name} has been heard of for ten minutes: start one, and see its log.")


def backups() -> Iterator[Finding]:
    """Where backups are made into DATA_DIR, the newest is not old; of other places nothing is known here."""
    folder = settings.DATA_DIR / "backups"
    if not folder.is_dir():
        return
    newest = next(iter(made(folder)), None)
    if newest is None or now() - datetime.fromtimestamp(newest.stat().st_mtime, UTC) > BACKUP_AGE:
        yield Finding(
            "warn",
            f"No backup in {folder} is younger than {BACKUP_AGE.days} days: run `manage.py backup` every night, or"
            " remove the folder if backups go elsewhere.",
        )


CHECKS = {
    "key": key,
    "proxy": proxy,
    "static": static,
    "pooler": pooler,
    "silence": silence,
    "running": running,
    "backups": backups,
}
