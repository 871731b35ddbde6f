"""What the rest of the product says to a disk that takes nothing more: pages, database, `up` and its children."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory

from project import errors
from project.launch import make_key
from project.management.commands import doctor
from project.supervisor import Program, Supervisor
from tests import disks


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with disks.mounted(tmp_path / "disk", 300_000) as folder:
        yield folder


def answer(error: BaseException, path: str) -> Any:
    """What the product answers when a view ends with `error`."""
    try:
        raise error
    except BaseException:  # noqa: BLE001  # server_error looks at what is being handled
        return errors.server_error(RequestFactory().get(path))


def wrapped(cause: sqlite3.Error) -> DatabaseError:
    """`cause` as Django raises it."""
    error = DatabaseError(str(cause))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("path", ["/accounts/", "/api/summary"])
def test_full_disk_of_files_is_507_that_says_what_was_kept(disk: Path, path: str) -> None:
    disks.fill(disk)
    with pytest.raises(OSError, match="No space") as refused:
        (disk / "more").write_bytes(bytes(10_000))
    told = answer(refused.value, path)
    assert told.status_code == 507
    assert "What was saved before is kept" in told.content.decode()


def test_sqlite_on_a_full_disk_is_507_and_keeps_what_was_committed(disk: Path) -> None:
    database = sqlite3.connect(disk / "x.sqlite3", isolation_level=None)
    database.execute("CREATE TABLE kept (data BLOB)")
    database.execute("INSERT INTO kept VALUES ('before')")
    disks.fill(disk)
    with pytest.raises(sqlite3.Error) as refused:
        database.execute("INSERT INTO kept VALUES (zeroblob(50000))")
    assert answer(wrapped(refused.value), "/api/summary").status_code == 507
    assert database.execute("SELECT data FROM kept").fetchall() == [("before",)]
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_sqlite_on_a_read_only_disk_is_507(disk: Path) -> None:
    with sqlite3.connect(disk / "x.sqlite3") as database:
        database.execute("CREATE TABLE kept (data BLOB)")
    database.close()
    disks.make_read_only(disk)
    database = sqlite3.connect(disk / "x.sqlite3")
    with pytest.raises(sqlite3.Error) as refused:
        database.execute("INSERT INTO kept VALUES (1)")
    database.close()
    assert answer(wrapped(refused.value), "/accounts/").status_code == 507


@pytest.mark.django_db
@pytest.mark.parametrize(("code", "status"), [("53100", 507), ("53300", 503), ("25006", 503), ("23505", 500)])
def test_postgres_that_is_full_or_only_reads_is_told_apart(code: str, status: int) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL's own codes")
    with pytest.raises(DatabaseError) as refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$")
    assert answer(refused.value, "/api/summary").status_code == status


@pytest.mark.parametrize("read_only", [False, True])
def test_program_is_started_again_when_its_log_has_no_room(disk: Path, *, read_only: bool) -> None:
    supervisor = Supervisor({}, print)
    (disk / "inner").mkdir()
    program = Program(
        "worker", [sys.executable, "-c", "print('x' * 100_000); import time; time.sleep(60)"], disk / "log"
    )
    try:
        if read_only:
            disks.make_read_only(disk)
        else:
            disks.fill(disk)
        supervisor.start(program)
        assert program.process is not None
        program.process.kill()
        program.process.wait()
        supervisor.tick()
        assert program.running()
    finally:
        supervisor.stop()


def test_key_that_a_power_cut_left_empty_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    make_key({"DATA_DIR": str(tmp_path)})
    assert len((tmp_path / "secret_key").read_text()) > 50


def test_doctor_warns_of_a_disk_before_it_is_full(disk: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = disk / "not" / "made" / "yet"
    assert [finding for finding in doctor.disks() if str(disk) in finding.text] == []
    disks.fill(disk, 25_000)
    (finding,) = [finding for finding in doctor.disks() if str(disk) in finding.text]
    assert finding.level == "warn"
    (disk / "filler").unlink()
    disks.fill(disk)
    (finding,) = [finding for finding in doctor.disks() if str(disk) in finding.text]
    assert (finding.level, "Full, it stores nothing more" in finding.text) == ("fail", True)
