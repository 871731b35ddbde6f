"""Web servers under the same settings, and the load that is put on them from a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ground
from project import children
from project.embedded import free_port
from project.listening import WEB_THREADS

THREADS = WEB_THREADS  # what a process of ours works on at once; one process, so that the load has a core of its own
START_SECONDS = 60.0
OURS = "project.wsgi:application"


def uncached() -> dict[str, str]:
    """The environment of a server of ours whose cache holds nothing and keeps nothing."""
    elsewhere = os.environ["REDIS_URL"].rpartition("/")[0] + "/2"
    return {f"CACHE_TTL_{name}": "0" for name in ("GRID", "HISTORY", "SUMMARY", "ACCOUNTS")} | {"REDIS_URL": elsewhere}


@dataclass(frozen=True, slots=True)
class Load:
    """What a server did under so many connections: answers a second, and milliseconds until one was there.

    `ceiling` is how many answers a second the load's own process could take if it had nothing to wait for.
    """

    connections: int
    rate: float
    p50: float
    p99: float
    ceiling: float


@contextmanager
def serving(application: str, **env: str) -> Iterator[int]:
    """Granian with one process for `application`; the port it listens on."""
    port = free_port()
    command = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    process = children.spawn(
        [sys.executable, *command, "--blocking-threads", str(THREADS), "--log-level", "warning", application],
        env=os.environ | env,
        cwd=ground.ROOT,
    )
    try:
        _wait(port)
        yield port
    finally:
        children.stop(process)


def _wait(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"nothing answers on port {port}")


def load(port: int, requests: Sequence[str], connections: int, seconds: float) -> Load:
    """Put `connections` that send `requests` in turn on the server for `seconds`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requests.json"
        file.write_text(json.dumps(requests))
        took = ground.run("benchmarks.load", port, connections, seconds, file)
    ceiling = took["requests"] / max(took["cpu"], 1e-6)
    return Load(connections, took["requests"] / took["seconds"], took["p50"], took["p99"], ceiling)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, with its headers by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One kept-alive connection, for looking at answers rather than counting them."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)

    def get(self, path: str, **headers: str) -> Answer:
        """GET `path`. Raises RuntimeError unless it answers 200."""
        self._connection.request("GET", path, headers=headers)
        response = self._connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        if answer.status != 200:
            raise RuntimeError(f"{path} answers {answer.status}: {answer.body[:200]!r}")
        return answer
