"""Starting the product: what must stand before Django reads its settings, and the addresses others find it by."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Self, TextIO
from urllib.parse import urlsplit

import redis

from perf import room
from project.embedded import Postgres, StartRefused, Valkey, free_port
from project.listening import listen

__all__ = ["House", "StartRefused", "data_dir", "join_running", "make_key", "take", "up"]

ROOT = Path(__file__).resolve().parent.parent
LOCK = "up.lock"
SHARED = (  # what a command in another terminal must know to work on the same data
    "DATABASE_URL",
    "REDIS_URL",
    "BROKER_URL",
    "DEMO",
    "FAKE_PLATFORMS_URL",
    "SCRAPE_PAGE_PLATFORMS",
    "X_MONTHLY_BUDGET_USD",
)
DEMO_PAGE_PLATFORMS = "flickr,truth_social,tiktok"  # no documented endpoint; TikTok's wants a token of each account
DEMO_TOKEN = "17841400000000000:demo"  # the fakes accept what they are told; Instagram wants an id in front
DEMO_BUDGET_USD = "1000"


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that holds everything this installation writes; the settings say the same."""
    return Path(environ.get("DATA_DIR") or ROOT / "var").absolute()


class House:
    """What one `manage.py up` holds: its data folder's lock, the embedded services, the environment of its children.

    Entering it raises StartRefused, with one line for the person at the keyboard; leaving it stops the services.
    """

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self.environ = environ
        self.folder = data_dir(environ)
        self.services: dict[str, Valkey | Postgres] = {}
        self.interrupted = False
        self.restart_wanted = False
        self.listener: socket.socket | None = None  # made by entering
        self._held = ExitStack()
        self._terminal = sys.stdin is not None and sys.stdin.isatty()

    def __enter__(self) -> Self:
        with self._held:  # closes what was begun when one step refuses
            self._lock()
            self._listen()
            make_key(self.environ)
            self._describe_demo()
            self._start_services()
            self._tell()
            self._held = self._held.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._held.close()

    @property
    def demo(self) -> bool:
        """Whether the fake platforms are scraped instead of the real ones."""
        return bool(self.environ.get("FAKE_PLATFORMS_URL"))

    def interrupt(self, number: int = 0, frame: FrameType | None = None) -> None:
        """Handle a signal: remember that the end was asked for, and break off what runs; once, so stopping ends.

        Python drops what is raised inside a finaliser, so whoever loops looks at `interrupted` too.
        """
        if not self.interrupted:
            self.interrupted = True
            raise KeyboardInterrupt

    def ask_for_restart(self, number: int = 0, frame: FrameType | None = None) -> None:
        """Handle SIGHUP: a rolling restart – or the end, when it says that our terminal was closed."""
        if self._terminal and not os.isatty(sys.stdin.fileno()):
            self.interrupt()
        self.restart_wanted = True

    def _lock(self) -> None:
        self._lock_file = self._held.enter_context(take(self.folder))

    def _listen(self) -> None:
        host, port = self.environ.setdefault("HOST", "127.0.0.1"), self.environ.setdefault("PORT", "8000")
        try:
            if not 0 < int(port) < 65_536:
                raise ValueError("ports go from 1 to 65535")
            self.listener = self._held.enter_context(listen(host, int(port)))
        except (OSError, ValueError) as error:
            raise StartRefused(
                f"Cannot listen on {host} port {port}: {getattr(error, 'strerror', None) or error}."
                f" Choose another, for example PORT={free_port()}."
            ) from error

    def _describe_demo(self) -> None:
        self.environ.setdefault("DEBUG", "0")
        if self.environ.setdefault("DEMO", "1").lower() not in {"1", "true", "yes", "on"}:
            return
        from accounts.platforms import PLATFORMS  # noqa: PLC0415  # only the demo needs them this early

        self.environ["FAKE_PLATFORMS_URL"] = f"http://127.0.0.1:{free_port()}"
        self.environ.setdefault("SCRAPE_PAGE_PLATFORMS", DEMO_PAGE_PLATFORMS)
        self.environ.setdefault("X_MONTHLY_BUDGET_USD", DEMO_BUDGET_USD)
        for name in PLATFORMS:  # a real one has no business at the fakes
            self.environ[f"{name.upper()}_TOKEN"] = "" if name in DEMO_PAGE_PLATFORMS.split(",") else DEMO_TOKEN

    def _start_services(self) -> None:
        if not self.environ.get("REDIS_URL"):
            valkey = Valkey(self.folder / "valkey", durable=True)
            self._start("valkey", valkey)
            self.environ["REDIS_URL"] = valkey.url(0)
            self.environ.setdefault("BROKER_URL", valkey.url(1))
        for name in ("REDIS_URL", "BROKER_URL"):
            if self.environ.get(name):
                _check_redis(name, self.environ[name])
        database = self.environ.get("DB", "sqlite")
        if database not in {"sqlite", "postgres"}:
            raise StartRefused(f"DB={database} is not known: choose DB=sqlite or DB=postgres, or set DATABASE_URL.")
        if database == "postgres" and not self.environ.get("DATABASE_URL"):
            postgres = Postgres(self.folder / "postgres", durable=True)
            self._start("postgres", postgres)
            self.environ["DATABASE_URL"] = postgres.url()

    def _start(self, name: str, service: Valkey | Postgres) -> None:
        self._held.callback(service.stop)
        service.start()
        self.services[name] = service

    def _tell(self) -> None:
        """Leave the addresses in the locked file, readable by this user only."""
        known = {name: self.environ[name] for name in SHARED if name in self.environ}
        if self.demo:
            known |= {name: value for name, value in self.environ.items() if value == DEMO_TOKEN}
        self._lock_file.write(json.dumps(known))
        self._lock_file.flush()


def take(folder: Path) -> TextIO:
    """The lock of the data folder, made where it is missing, held until it is closed. Raises StartRefused."""
    try:
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        os.umask(0o077)  # the key, the database and the photos are nobody else's
        lock = (folder / LOCK).open("a+")
    except OSError as error:
        raise StartRefused(f"Cannot write to {folder}: {error.strerror}. Set DATA_DIR to a folder of yours.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise StartRefused(
            f"Tidemark is already running on {folder}. Stop it first, or set DATA_DIR to another folder."
        ) from error
    lock.truncate(0)  # until the services stand, there is nothing to join
    return lock


def make_key(environ: Mapping[str, str] = os.environ) -> None:
    """Make the secret key of an installation that has none, readable by its owner alone."""
    path = data_dir(environ) / "secret_key"
    if environ.get("SECRET_KEY") or (path.exists() and path.stat().st_size):
        return
    unfinished = path.with_suffix(".new")
    unfinished.touch(mode=0o600)
    with unfinished.open("w") as file:
        file.write(secrets.token_urlsafe(50))
        file.flush()
        os.fsync(file.fileno())  # a name for an empty file is what a power cut would leave otherwise
    unfinished.rename(path)


def _check_redis(name: str, url: str) -> None:
    """Raises StartRefused when nothing usable answers at `url`; its password is never shown."""
    try:
        parts = urlsplit(url)
        shown = f"{parts.hostname or ''}:{parts.port or 6379}" if parts.hostname else parts.path
        with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
            client.ping()
    except ValueError as error:
        raise StartRefused(f"{name} cannot be read. Write it as redis://:password@host:6379/0.") from error
    except redis.RedisError as error:
        raise StartRefused(f"Redis at {shown} ({name}) does not answer: {str(error).rstrip('.')}.") from error


def join_running(environ: MutableMapping[str, str] = os.environ) -> None:
    """Let this command use the services of an `up` that runs on the same data folder.

    When none runs, DB=postgres starts the embedded PostgreSQL for the length of the command.
    """
    if environ.get("TIDEMARK_TESTING"):
        return
    for name, value in _running(data_dir(environ) / LOCK).items():
        environ.setdefault(name, value)
    if environ.get("DB") == "postgres" and not environ.get("DATABASE_URL"):
        postgres = Postgres(data_dir(environ) / "postgres", durable=True)
        atexit.register(postgres.stop)
        postgres.start()
        environ["DATABASE_URL"] = postgres.url()


def _running(path: Path) -> dict[str, str]:
    """What the `up` that holds the lock at `path` tells others; {} when nobody holds it."""
    if not os.access(path, os.R_OK):
        return {}
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            told: dict[str, str] = json.loads(lock.read() or "{}")
            return told
    return {}


def up() -> int:
    """Run the product until Ctrl-C or SIGTERM; the exit code. What hinders a start is said in one line."""
    house = House(os.environ)
    signal.signal(signal.SIGHUP, house.ask_for_restart)
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell may have started us with it ignored
        signal.signal(number, house.interrupt)
    try:
        with house:
            _run(house)
    except KeyboardInterrupt:
        return 0
    except StartRefused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except OSError as error:
        if not (why := room.refusal(error)):
            raise
        print(f"Tidemark cannot write {error.filename or house.folder}: the disk is {why}.", file=sys.stderr)
        return 1
    return 0


def _run(house: House) -> None:
    """Load Django, whose settings now find everything they need, and hand over to the command."""
    import django  # noqa: PLC0415  # it reads the environment that the house has just made
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.core.management.base import CommandError  # noqa: PLC0415
    from django.db import DatabaseError  # noqa: PLC0415

    try:
        django.setup()
        call_command("up", house=house)
    except (ImproperlyConfigured, CommandError) as error:
        raise StartRefused(str(error)) from error
    except DatabaseError as error:
        first = str(error).strip().splitlines()[0]
        raise StartRefused(f"The database does not answer: {first}") from error
