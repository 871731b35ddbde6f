"""The database that DATABASE_URL names, with what each engine needs to be safe and quick."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

FORM = "Write it as postgres://user:password@host:5432/name or sqlite:////path/file."


def main(env: Any, folder: Path) -> dict[str, Any]:
    """The database as DATABASES describes one; without DATABASE_URL a SQLite file in `folder`.

    Raises ImproperlyConfigured, without the address: it may hold a password.
    """
    found = _read(env, env.str("DATABASE_URL", default="") or f"sqlite:///{folder / 'tidemark.sqlite3'}")
    found["CONN_MAX_AGE"] = 60  # opening one costs a tenth of a cold answer, on SQLite too
    return (_sqlite if found["ENGINE"].endswith("sqlite3") else _postgresql)(env, found)


def _read(env: Any, url: str) -> dict[str, Any]:
    try:
        with warnings.catch_warnings(action="ignore"):  # it would warn of an unknown engine; we refuse
            found: dict[str, Any] = env.db_url_config(url)
    except Exception:  # noqa: BLE001  # whatever is wrong with it, the answer is the same
        # Not from the error: it may quote the password, such as the part before its unquoted "/" as a port.
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read. {FORM}") from None
    if found.get("ENGINE") not in {"django.db.backends.sqlite3", "django.db.backends.postgresql"}:
        raise ImproperlyConfigured(f"DATABASE_URL names neither PostgreSQL nor SQLite. {FORM}")
    return found


def _sqlite(env: Any, found: dict[str, Any]) -> dict[str, Any]:
    # Measured: deferred transactions gave 621 "database is locked" under six writers, these settings none.
    options = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
    return found | {"OPTIONS": options}


def _postgresql(env: Any, found: dict[str, Any]) -> dict[str, Any]:
    found["CONN_HEALTH_CHECKS"] = True
    # A host that is gone without a word is noticed after a minute; the system would take two hours, and a quarter of
    # an hour in the middle of a question (tcp_user_timeout, in milliseconds).
    patience = {"connect_timeout": 5, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
    options = patience | {"tcp_user_timeout": 60_000} | found.get("OPTIONS", {})
    found["HOST"] = options.pop("host", found["HOST"])  # a socket's folder: dbshell looks for it here alone
    found["OPTIONS"] = options
    # Behind pgbouncer's transaction pooling nothing may outlive a transaction; cursors of the server's would.
    found["DISABLE_SERVER_SIDE_CURSORS"] = env.bool("DB_TRANSACTION_POOLING", default=False)
    if env.bool("DB_POOL", default=False):
        found["ENGINE"] = "project.pool"
        found["CONN_MAX_AGE"] = 0  # the pool keeps the connections
        found["POOL_OPTIONS"] = {
            "POOL_SIZE": env.int("DB_POOL_SIZE", default=10),
            "MAX_OVERFLOW": env.int("DB_POOL_MAX_OVERFLOW", default=20),
            "TIMEOUT": env.float("DB_POOL_TIMEOUT", default=30),
            "RECYCLE": env.int("DB_POOL_RECYCLE", default=300),
            "PRE_PING": env.bool("DB_POOL_PRE_PING", default=True),
        }
    return found
