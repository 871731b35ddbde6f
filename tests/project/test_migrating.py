"""`manage.py migrate` beside a running product, and what its SQL locks."""

from __future__ import annotations

import fcntl
import inspect
import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.migrations import RunPython
from django.db.migrations.loader import MigrationLoader

from project.management.commands import migrate
from tests import migrations, services

only_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
TODAYS = r"^(from|import) (?!django)\S*models|^from (?!django)\w+ import models"
BEFORE, TARGET = ("project", "0004"), ("project", "0005")
COLUMN = (
    "SELECT count(*) FROM information_schema.columns WHERE table_name = 'project_invitation' AND column_name = 'phone'"
)


def asked(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


class Holder:
    """Another connection that runs `sql` and stays in its transaction until it is released."""

    def __init__(self, sql: str) -> None:
        self.held, self.release = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._hold, args=(sql,))

    def _hold(self, sql: str) -> None:
        own = connections.create_connection("default")
        own.settings_dict = connection.settings_dict
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute(sql)
            self.held.set()
            self.release.wait(30)
        own.close()

    def __enter__(self) -> Holder:
        self.thread.start()
        assert self.held.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self.thread.join()


@only_postgresql
def test_a_table_in_use_is_waited_for_briefly_and_tried_again(restored, monkeypatch):
    call_command("migrate", *BEFORE, verbosity=0)
    said, tries = io.StringIO(), []
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "50ms")
    with Holder("LOCK project_invitation") as reader:
        monkeypatch.setattr(
            migrate.time, "sleep", lambda _: (tries.append(1), len(tries) == 2 and reader.release.set())
        )
        call_command("migrate", *TARGET, verbosity=0, stderr=said)
    assert said.getvalue().count("A table is in use") == len(tries) >= 2
    assert asked(COLUMN) == 1
    assert asked("SHOW lock_timeout") == "0"


@only_postgresql
def test_a_table_that_stays_in_use_is_named_and_nothing_half_done(restored, monkeypatch):
    call_command("migrate", *BEFORE, verbosity=0)
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(migrate, "TRIES", 2)
    monkeypatch.setattr(migrate, "PAUSE", 0)
    with Holder("LOCK project_invitation"), pytest.raises(CommandError, match="A table stayed in use"):
        call_command("migrate", *TARGET, verbosity=0, stderr=io.StringIO())
    assert asked(COLUMN) == 0
    assert asked(f"SELECT pg_try_advisory_lock({migrate.LOCK}) AND pg_advisory_unlock({migrate.LOCK})")


@contextmanager
def nobody_else_migrates() -> Iterator[None]:
    """Hold what migrations hold."""
    if connection.vendor == "postgresql":
        assert asked(f"SELECT pg_try_advisory_lock({migrate.LOCK})")
        yield
        assert asked(f"SELECT pg_advisory_unlock({migrate.LOCK})")
        return
    with Path(f"{connection.settings_dict['NAME']}{migrate.HELD}").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.mark.both_dbs
def test_two_processes_that_migrate_at_once_do_so_one_after_the_other_and_say_that_they_wait(restored):
    call_command("migrate", "accounts", "0008", verbosity=0)
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "1"]
    env = {**os.environ, "DATABASE_URL": services.database_url(connection.settings_dict["NAME"])}
    with nobody_else_migrates():
        hosts = [
            subprocess.Popen(command, cwd=services.ROOT, env=env, stdout=PIPE, stderr=PIPE, text=True) for _ in range(2)
        ]
        said = [next(line for line in host.stderr if "migrates this database" in line) for host in hosts]
    told = [host.communicate(timeout=90)[0] for host in hosts]
    assert all("waiting until it has ended" in line for line in said)
    assert [host.returncode for host in hosts] == [0, 0], told
    assert sum("accounts.0009_edits_of_many_start_once... OK" in text for text in told) == 1
    assert sum("No migrations to apply" in text for text in told) == 1


def test_a_lock_without_a_reason_and_a_reason_without_a_lock_are_faults():
    sql = "ALTER TABLE a ADD CONSTRAINT b UNIQUE (c);"
    [one, *_] = found = sorted(migrations.findings(iter([("some_0002_new", sql)])))
    assert one.migration == "some_0002_new"
    assert "disallowed-unique-constraint" in {each.rule for each in found}
    said = migrations.faults(set(found))
    assert any("some_0002_new" in line for line in said)
    assert sum("no longer found" in line for line in said) == len(migrations.EXCEPTIONS)
    assert migrations.faults(set(migrations.EXCEPTIONS)) == []


def test_a_new_column_that_the_previous_version_does_not_name_is_a_fault():
    sql = 'ALTER TABLE "a" ADD COLUMN "b" integer DEFAULT 0 NOT NULL; ALTER TABLE "a" ALTER COLUMN "b" DROP DEFAULT;'
    assert ("x_0002", "ban-drop-default") in migrations.findings(iter([("x_0002", sql)]))


def test_what_is_not_in_a_transaction_can_run_again_and_everything_goes_back():
    for (app, name), migration in MigrationLoader(None).graph.nodes.items():
        if app in migrations.APPS:
            kinds = {type(operation).__name__ for operation in migration.operations}
            assert migration.atomic or kinds <= migrations.ONLINE, f"{app}.{name}: {kinds - migrations.ONLINE}"
            assert all(operation.reversible for operation in migration.operations), f"{app}.{name}"


def test_what_migrations_do_with_rows_does_not_depend_on_the_models_of_today():
    for (app, name), migration in MigrationLoader(None).graph.nodes.items():
        if app in migrations.APPS and any(isinstance(each, RunPython) for each in migration.operations):
            source = inspect.getsource(sys.modules[type(migration).__module__])
            assert not re.search(TODAYS, source, re.MULTILINE), f"{app}.{name}"
