"""Embedded Valkey and PostgreSQL: what survives a restart, a crash and the death of whoever started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import redis

from project import embedded
from project.embedded import Postgres, StartRefused, Valkey


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path / "valkey", durable=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach, as PostgreSQL needs where it cannot run as root."""
    path = embedded._short_folder()
    path.chmod(0o711)
    yield path
    subprocess.run(["rm", "-rf", path], check=True)


def query(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_restarted_valkey_keeps_the_queue_and_forgets_the_cache(valkey: Valkey) -> None:
    cache, queue = redis.Redis.from_url(valkey.url(0)), redis.Redis.from_url(valkey.url(1))
    cache.set("answer", "old")
    queue.set("job", "promised")
    valkey.stop()
    valkey.start()
    assert (cache.get("answer"), queue.get("job")) == (None, b"promised")


def test_valkey_evicts_nothing(valkey: Valkey) -> None:
    assert redis.Redis.from_url(valkey.url()).config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_valkey_admits_nobody_without_the_password(valkey: Valkey) -> None:
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=valkey.port).ping()


def test_valkeys_password_is_not_on_its_command_line(valkey: Valkey) -> None:
    assert valkey.process is not None
    arguments = Path(f"/proc/{valkey.process.pid}/cmdline").read_text()
    assert "valkey-server" in arguments
    assert valkey.password not in arguments


def test_valkey_that_cannot_start_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").write_text("in the way")
    with pytest.raises(StartRefused, match=r"did not start; see .*valkey\.log"):
        Valkey(tmp_path, durable=True).start()


def test_crashed_postgres_starts_again_with_what_was_committed(folder: Path) -> None:
    postgres = Postgres(folder / "postgres", durable=True)
    postgres.start()
    try:
        query(postgres.url(), "CREATE TABLE kept AS SELECT 7 AS n")
        assert postgres.process is not None
        postgres.process.kill()
        postgres.start()
        assert query(postgres.url(), "SELECT n FROM kept") == [(7,)]
    finally:
        postgres.stop()


def test_interrupted_set_up_of_postgres_is_begun_anew(folder: Path) -> None:
    half = folder / "postgres" / "unfinished"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    postgres = Postgres(folder / "postgres", durable=False)
    postgres.start()
    try:
        assert query(postgres.url(), "SELECT 1") == [(1,)]
    finally:
        postgres.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
def test_root_without_namespaces_runs_postgres_as_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_namespaces_work", lambda: False)
    postgres = Postgres(folder / "postgres", durable=False)
    postgres.start()
    try:
        assert postgres.process is not None
        assert Path(f"/proc/{postgres.process.pid}").stat().st_uid != 0
    finally:
        postgres.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
def test_closed_way_to_the_data_is_named_not_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_namespaces_work", lambda: False)
    folder.chmod(0o700)
    with pytest.raises(StartRefused, match=f"nobody cannot pass {folder}"):
        Postgres(folder / "postgres", durable=False).start()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_valkey_dies_with_whoever_started_it(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from project.embedded import Valkey\n"
        "v = Valkey(Path(sys.argv[1]), durable=True); v.start(); print(v.port, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, tmp_path / "v"], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    port = int(parent.stdout.readline())
    assert listens(port)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while listens(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listens(port)
