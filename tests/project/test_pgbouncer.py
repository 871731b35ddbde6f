"""The product behind a real pgbouncer in transaction mode, whose one server session everybody shares by turns."""

from __future__ import annotations

import datetime as dt
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection

from perf import clock
from project import children, recipes
from project.embedded import free_port, ordinary
from snapshots.exports.filters import ExportFilters
from snapshots.exports.streams import stream
from snapshots.models import Snapshot
from snapshots.recording import Sighting, record
from tests import factories
from workitems.models import WorkItem
from workitems.workflow import submit

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
pytestmark = [
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL has sessions"),
    pytest.mark.skipif(PGBOUNCER is None, reason="NOT SHOWN HERE: no pgbouncer (apt-get install pgbouncer)"),
    pytest.mark.django_db(transaction=True),
]
CLIENTS, ROUNDS, DAY = 6, 3, dt.date(2026, 11, 20)
INI = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 1
max_client_conn = 100
"""


@pytest.fixture
def pgbouncer(tmp_path: Path) -> Iterator[int]:
    """The port of a pgbouncer before the tests' PostgreSQL."""
    parts = urlsplit(os.environ["TEST_DATABASE_URL"])
    server = f"host={parts.hostname or parse_qs(parts.query)['host'][0]} port={parts.port or 5432}"
    server += f" password={parts.password}" if parts.password else ""
    port, prefix = free_port(), ordinary()  # it refuses to run as root
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 and not prefix else None
    folder = Path(f"/tmp/tidemark-pgbouncer-{port}")  # noqa: S108  # nobody reaches no folder of pytest's
    folder.mkdir(mode=0o755)
    (folder / "pgbouncer.ini").write_text(INI.format(server=server, port=port, folder=folder))
    (folder / "users").write_text(f'"{parts.username}" "{parts.password or ""}"\n')
    with (tmp_path / "log").open("wb") as log:
        process = children.spawn([*prefix, str(PGBOUNCER), folder / "pgbouncer.ini"], output=log, user=user)
    try:
        wait_for(port, process, tmp_path / "log")
        yield port
    finally:
        children.stop(process)
        shutil.rmtree(folder)


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    while True:
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return


@pytest.fixture
def behind(pgbouncer: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The database as DB_TRANSACTION_POOLING=1 sets it up, through pgbouncer."""
    connection.close()
    with monkeypatch.context() as changed:
        for name, value in {"HOST": "127.0.0.1", "PORT": pgbouncer, "DISABLE_SERVER_SIDE_CURSORS": True}.items():
            changed.setitem(connection.settings_dict, name, value)
        yield
        connection.close()


def work(number: int) -> tuple[list[int], int, set[int]]:
    """One client among others: records days, exports them, submits items. What it read, and the sessions it had."""
    try:
        account, sessions, lines = factories.account(handle=f"bounced{number}"), set(), 0
        boss = User.objects.get(username="boss")
        for ago in range(ROUNDS):
            record([Sighting(account.pk, DAY - dt.timedelta(days=ago), clock.now(), "observed", 1_000 + number)])
            submit(WorkItem(location=f"Pump {number}", description="Leaks", detail="Seal"), by=boss)
            sessions.add(session())
        file = b"".join(
            stream("csv", ExportFilters(**{"from": DAY - dt.timedelta(days=ROUNDS)}), boss).streaming_content
        )
        lines = file.count(f"bounced{number}".encode())
        return list(Snapshot.objects.filter(account=account).values_list("followers", flat=True)), lines, sessions
    finally:
        connection.close()


def session() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_clients_share_one_session_and_each_finds_what_it_wrote(behind: None) -> None:
    User.objects.create_superuser("boss")
    with ThreadPoolExecutor(CLIENTS) as pool:
        done = list(pool.map(work, range(CLIENTS)))
    assert len(set[int]().union(*(sessions for *_, sessions in done))) == 1
    for number, (followers, lines, _) in enumerate(done):
        assert followers == [1_000 + number] * ROUNDS
        assert lines == ROUNDS
    assert WorkItem.objects.values("number").distinct().count() == CLIENTS * ROUNDS


def test_doctor_sees_a_pooler_that_the_settings_do_not_know_of(behind: None) -> None:
    assert list(recipes.pooler()) == []
    connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = False  # undone by `behind`
    [(level, text)] = recipes.pooler()
    assert (level, "DB_TRANSACTION_POOLING=1" in text) == ("warn", True)
