"""The database, Valkey and settings that a test process stands on; made before Django reads its settings.

One PostgreSQL serves a whole run: `python -m tests` starts it, or under xdist the controller, and its children inherit
the address, each with a database of its own (databases.py). Every process has its own Valkey. TEST_DATABASE_URL and
TEST_REDIS_URL name servers to use instead.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from project.embedded import Postgres, Valkey

ROOT = Path(__file__).resolve().parent.parent
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
_running: list[Postgres | Valkey] = []
FOLDER = Path(tempfile.mkdtemp(prefix="tidemark-tests-", dir="/tmp"))
"""What this process's tests write: media, the SQLite file, logs of child processes. Removed at the end."""


def start() -> None:
    """Start what is not given by address and describe it all in the environment."""
    if "project.settings" in sys.modules:
        raise RuntimeError("The settings were read before the tests' services ran: unset DJANGO_SETTINGS_MODULE.")
    os.environ["TIDEMARK_TESTING"] = "1"
    os.environ["SECRET_KEY"] = "the same in every worker, or signed values would name tests differently"
    os.environ["DATA_DIR"] = str(FOLDER)
    for name in ("DEBUG", "DEMO", "FAKE_PLATFORMS_URL", "BASE_URL", "MEDIA_ROOT"):
        os.environ.pop(name, None)  # a developer's shell decides nothing
    start_database()
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
    cache, broker = _redis()
    os.environ["REDIS_URL"], os.environ["BROKER_URL"] = cache, broker


def start_database() -> None:
    """Start a PostgreSQL for this process and its children, unless one is given, and say where templates lie."""
    FOLDER.chmod(0o711)  # PostgreSQL may have to run as another user
    os.environ.setdefault("TEST_TEMPLATE_FILE", str(FOLDER / "template.sqlite3"))
    if not os.environ.get("TEST_DATABASE_URL"):
        postgres = Postgres(FOLDER / "postgres", durable=False)
        postgres.start()
        _running.append(postgres)
        os.environ["TEST_DATABASE_URL"] = postgres.url()


def _redis() -> tuple[str, str]:
    """The addresses of this process's cache and queue."""
    given = os.environ.get("TEST_REDIS_URL", "")
    if given:
        number = int(urlsplit(given).path.strip("/") or 0) + 2 * int(WORKER.removeprefix("gw") or 0)
        return _with_path(given, str(number)), _with_path(given, str(number + 1))
    valkey = Valkey(FOLDER / "valkey", durable=False)
    valkey.start()
    _running.append(valkey)
    return valkey.url(0), valkey.url(1)


def _with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


def database_url(name: str) -> str:
    """The address of the test database `name`, for a process that a test starts."""
    url = os.environ["TEST_DATABASE_URL"]
    return f"sqlite:///{name}" if url.startswith("sqlite") else _with_path(url, name)


def stop() -> None:
    """Stop what was started and remove what was written."""
    for service in reversed(_running):
        service.stop()
    _running.clear()
    shutil.rmtree(FOLDER, ignore_errors=True)
