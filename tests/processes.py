"""The product's own processes, started by tests as they run in production: web server, worker, any command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from project import children
from project.embedded import free_port
from project.listening import BACKLOG
from tests import services

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 80.0  # how long a process may take to become ready on a busy machine
STARTING = 90.0  # what systemd gives a service to be ready


@dataclass
class Process:
    """A running child; `url` where it serves, `log` what it wrote."""

    popen: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    def kill(self) -> None:
        """Kill −9 it and its group, as a power cut would."""
        children.kill(self.popen)

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> int:
        """End it in order; its exit code."""
        children.stop(self.popen, sig=sig, grace=10)
        return self.popen.returncode

    def output(self) -> str:
        """Everything it has written so far."""
        return self.log.read_text(errors="replace")

    def wait_until(self, ready: Callable[[], bool]) -> Process:
        """Return once `ready` holds; fails with the log when it dies or takes too long."""
        deadline = time.monotonic() + SECONDS
        while not ready():
            if self.popen.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"not ready (exit code {self.popen.returncode}):\n{self.output()}")
            time.sleep(0.05)
        return self


def environment(**changes: str) -> dict[str, str]:
    """The environment of a child that shares this process's test database and Valkey."""
    return os.environ | {"DATABASE_URL": services.database_url(str(connection.settings_dict["NAME"]))} | changes


def start(
    name: str, command: list[str], env: Mapping[str, str] | None = None, url: str = "", fds: Sequence[int] = ()
) -> Process:
    """Start `python command…` at the root of the project; its output goes to a file of its own."""
    log = services.FOLDER / f"{name}-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        popen = children.spawn([sys.executable, *command], env=env or environment(), cwd=ROOT, output=output, fds=fds)
    return Process(popen, log, url)


class SocketUnit:
    """What a socket unit of systemd is to its services: one listening socket, and who listens to their READY=1."""

    def __init__(self, folder: Path) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.port: int = self.listener.getsockname()[1]
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._told.bind(str(folder / "notify"))
        self._told.settimeout(STARTING)
        self._environment = {"NOTIFY_SOCKET": str(folder / "notify")}

    def start(self, command: list[str], env: Mapping[str, str]) -> Process:
        """Start `command` as its service; it has told that it is ready."""
        process = start(
            "unit",
            ["-c", _TAKE_OVER, str(self.listener.fileno()), *command],
            {**env, **self._environment},
            f"http://127.0.0.1:{self.port}",
            (self.listener.fileno(),),
        )
        try:
            assert self._told.recv(100) == b"READY=1"
        except TimeoutError:
            process.kill()
            raise AssertionError(f"not ready:\n{process.output()}") from None
        return process

    def close(self) -> None:
        """Close the socket: from now on nobody listens."""
        self.listener.close()
        self._told.close()


_TAKE_OVER = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3);"
    " os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid())); os.execv(sys.argv[2], sys.argv[2:])"
)
"""What systemd does between fork and exec."""


def answers(url: str) -> bool:
    """Whether something speaks HTTP there."""
    try:
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  # our own server on loopback
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def start_server(workers: int = 1, /, **env: str) -> Process:
    """The web server on a free port, with `workers` processes, against the test database."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = environment(**{"PORT": str(port), "BASE_URL": url} | env)
    command = ["-m", "project.web", "--port", str(port), "--workers", str(workers)]
    return start("server", command, variables, url).wait_until(lambda: answers(f"{url}/healthz"))


def start_worker(*queues: str, concurrency: int = 1, **env: str) -> Process:
    """A Celery worker on `queues` (all when none are named), ready to take messages."""
    options = ["--loglevel", "info", "--concurrency", str(concurrency), *(["-Q", ",".join(queues)] if queues else [])]
    worker = start("worker", ["-m", "celery", "-A", "project", "worker", *options], environment(**env))
    return worker.wait_until(lambda: " ready." in worker.output())
