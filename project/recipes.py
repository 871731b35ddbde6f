"""What following docs/operations.md can get wrong, looked for in a running installation by `manage.py doctor`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from perf import clock
from project.backups import unfinished
from project.backups.making import made
from scraping import heartbeats
from workitems.checks import check_media_is_there

HERE = {"localhost", "127.0.0.1", "::1"}
PINNED = re.compile(r"^([\w.-]+)==([^ ;\\]+)( ;)?", re.MULTILINE)  # the third: wanted on some machines only
CLOCK_SECONDS = 2.0  # a larger difference moves limits and days
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


def debugging() -> Iterator[Finding]:
    """Nobody from elsewhere is shown our insides."""
    if settings.DEBUG and urlsplit(settings.BASE_URL).hostname not in HERE:
        yield Finding(
            "fail",
            f"DEBUG is on at {settings.BASE_URL}: whoever meets an error there is shown code and settings. Remove DEBUG"
            " from the environment and restart.",
        )


def packages() -> Iterator[Finding]:
    """What is installed is what is locked, after an upgrade too."""
    locked = settings.BASE_DIR / "requirements.txt"
    odd = [
        f"{name} {there or 'is missing'} instead of {version}"
        for name, version, elsewhere in PINNED.findall(locked.read_text())
        if (there := _installed(name)) != version and (there or not elsewhere)
    ]
    if odd:
        yield Finding(
            "fail",
            f"{len(odd)} packages are not those of {locked}, {odd[0]} for one: run `make install`, or"
            " `.venv/bin/python -m pip install --no-deps --require-hashes -r requirements.txt`, and restart.",
        )


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def static() -> Iterator[Finding]:
    """Style sheets and scripts of this version are there."""
    collected = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if settings.STORAGES["staticfiles"]["BACKEND"] != "project.statics.StaticFiles":
        return
    if not collected.is_file():
        yield Finding("fail", f"No static files in {settings.STATIC_ROOT}: run `manage.py prepare`.")


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
    if answering == opened and pooled:
        yield Finding(
            "warn",
            "DB_TRANSACTION_POOLING is 1 and no pooler stands before PostgreSQL: leave it unset, or nothing ends a"
            " statement of the web server that takes too long.",
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
    here = connection.settings_dict["HOST"] in {"", *HERE}
    if over_tcp and not here and not 0 < seconds <= SILENT_SECONDS:
        yield Finding(
            "warn",
            f"PostgreSQL waits {seconds or 7_200:,} s before it asks whether a silent host is still there; its locks"
            " stay as long. Set tcp_keepalives_idle = 30 in postgresql.conf.",
        )


def writable() -> Iterator[Finding]:
    """The PostgreSQL that answers takes writes: a standby does not."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only')")
        [read_only] = cursor.fetchone()
    if read_only == "on":
        yield Finding(
            "fail",
            "DATABASE_URL leads to a PostgreSQL that only reads, such as a standby. Name both servers in it, with"
            " target_session_attrs=read-write, or the one that takes writes.",
        )


def database_clock() -> Iterator[Finding]:
    """PostgreSQL's clock, which decides what is due, agrees with ours."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [there] = cursor.fetchone()
    apart = abs((clock.now() - there).total_seconds())
    if apart > CLOCK_SECONDS:
        yield Finding(
            "warn",
            f"This machine's clock and PostgreSQL's are {apart:.0f} s apart: run a time service on both.",
        )


def running() -> Iterator[Finding]:
    """Worker and beat are at work."""
    for name, state in heartbeats.states().items():
        if state == "silent":
            yield Finding("warn", f"No {name} has been heard of for ten minutes: start one, and see its log.")
        if state == "never":
            yield Finding("warn", f"No {name} has been heard of yet: start one, unless all of this is new.")


def photographs() -> Iterator[Finding]:
    """The newest photos that the database knows are where files lie."""
    for message in check_media_is_there(None, databases=["default"]):
        yield Finding("warn", f"{message.msg} {message.hint}")


def backups() -> Iterator[Finding]:
    """Where backups are made into DATA_DIR, the newest is not old; of other places nothing is known here."""
    folder = settings.DATA_DIR / "backups"
    if not folder.is_dir():
        return
    newest = next(iter(made(folder)), None)
    if newest is None or clock.now() - datetime.fromtimestamp(newest.stat().st_mtime, UTC) > BACKUP_AGE:
        yield Finding(
            "warn",
            f"No backup in {folder} is younger than {BACKUP_AGE.days} days: run `manage.py backup` every night, or"
            " remove the folder if backups go elsewhere.",
        )


def restored() -> Iterator[Finding]:
    """No restore broke off here."""
    if left := unfinished.find():
        yield Finding("fail", left.advice)


CHECKS = {
    "key": key,
    "debugging": debugging,
    "packages": packages,
    "proxy": proxy,
    "static": static,
    "pooler": pooler,
    "writable": writable,
    "database_clock": database_clock,
    "silence": silence,
    "running": running,
    "photographs": photographs,
    "backups": backups,
    "restored": restored,
}
