"""A backup brings everything back as it was, or changes nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection

from perf import cache, clock
from project.backups import making, restoring, rows
from project.backups.manifest import BadBackup, Manifest
from project.models import AuditEntry, SignIn
from tests import factories
from tests.project.backups import worlds
from workitems.models import WorkItem

pytestmark = pytest.mark.django_db


def quiet(line: str) -> None:
    """Say nothing."""


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path / "var"
    return tmp_path / "backups"


@pytest.mark.both_dbs
@pytest.mark.django_db(transaction=True)
def test_every_row_and_file_comes_back_and_new_rows_get_new_numbers(folder: Path) -> None:
    item = worlds.furnished()
    gone = factories.user(username="mark")
    factories.account("x").delete()  # its number is not given again
    worlds.signed_in(gone)
    backup, manifest = making.make(folder, quiet)
    Session.objects.all().delete()
    before, numbers, files = worlds.tables(), worlds.numbers(), worlds.media()
    worlds.pictured(item, "three")
    WorkItem.objects.update(detail="written over")
    User.objects.filter(username="boss").delete()
    User.objects.filter(pk=gone.pk).update(username=f"erased-{gone.pk}")
    said: list[str] = []
    Session.objects.create(session_key="stolen", session_data="", expire_date=clock.now())
    default_storage.delete("originals/one.jpg")
    default_storage.delete("documents/1-1.docx")
    worlds.stored("documents/1-1.docx")
    Path(default_storage.path("documents/1-1.docx")).write_bytes(b"of another database")
    summary = cache.Family("summary", timeout=60)
    cache.cached(summary, "before", lambda: b"old")
    restoring.restore(backup, said.append, replace=True)
    assert "mark was erased since then and is back: run `manage.py erase_person mark`" in said
    assert cache.cached(summary, "before", lambda: b"new").value == b"new"
    after = worlds.tables()
    expired = {"snapshots_exportjob", "workitems_bundle"}  # their files are fetched once and not in a backup
    assert {name for name in before if before[name] != after[name]} == expired
    assert {name: rows for name, rows in worlds.media().items() if "three" not in name} == files
    assert {name: worlds.numbers()[name] for name in numbers if name not in worlds.OWN} == {
        name: number for name, number in numbers.items() if name not in worlds.OWN
    }
    assert not Session.objects.exists()
    assert User.objects.get(username="boss").check_password("correct horse battery")
    assert AuditEntry.objects.filter(action="backup.restored", target=manifest.made_at).count() == 1


@pytest.mark.both_dbs
@pytest.mark.django_db(transaction=True)
def test_backup_of_before_that_holds_sign_ins_comes_back_without_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worlds.signed_in(factories.user(username="mark"))
    with monkeypatch.context() as before:
        before.setattr(rows, "LEFT_OUT", {"django_session"})
        backup, manifest = making.make(folder, quiet)
    assert manifest.tables["project_signin"].rows == 1
    restoring.restore(backup, quiet, replace=True)
    assert User.objects.filter(username="mark").exists()
    assert not SignIn.objects.exists()


def test_nothing_in_a_backup_points_at_what_is_left_out() -> None:
    models = [model for model in rows.stored_models(apps) if model._meta.db_table not in rows.LEFT_OUT]
    pointed = {field.related_model for model in models for field in model._meta.local_fields if field.is_relation}
    assert not {model._meta.db_table for model in pointed if model} & rows.LEFT_OUT


def test_a_filled_database_is_not_replaced_unasked(folder: Path) -> None:
    worlds.furnished()
    backup, _ = making.make(folder, quiet)
    before = worlds.tables()
    with pytest.raises(CommandError, match="This database is not empty: 2 people, 2 accounts, 1 work items"):
        call_command("restore", str(backup))
    assert worlds.tables() == before


def damages() -> dict[str, tuple[Callable[[Path], object], str]]:
    """What may happen to a backup, and what is said of it."""
    table = "tables/accounts_account.copy.gz"
    return {
        "cut table": (lambda at: (at / table).write_bytes((at / table).read_bytes()[:-9]), "is not as it was written"),
        "altered file": (lambda at: (at / "media/originals/one.jpg").write_bytes(b"x"), "is not as it was written"),
        "lost file": (lambda at: (at / "media/renditions/two.jpg").unlink(), "cannot be read"),
        "linked file": (lambda at: _linked(at / "media/originals/one.jpg"), "cannot be read"),
        "shorter list": (lambda at: (at / "media.sha256").write_text(""), "is not as it was written"),
        "cut manifest": (lambda at: (at / "manifest.json").write_text('{"product": "tide'), "was cut or altered"),
        "altered manifest": (lambda at: _said(at, made_at="2020"), "was altered"),
        "lost manifest": (lambda at: (at / "manifest.json").unlink(), "holds no backup"),
        "other product": (lambda at: (at / "manifest.json").write_text("[1]"), "is not a backup of Tidemark"),
        "later form": (lambda at: _signed(at, format=2), "has the form 2"),
        "newer version": (lambda at: _signed(at, migrations=[["accounts", "9999_later"]]), "accounts.9999_later"),
        "path out": (lambda at: _listing(at, "0  media/../../etc/passwd\n"), "is not the name of a file"),
        "lost row": (lambda at: _rows(at, b""), "holds 0 rows, not 2"),
        "bad row": (lambda at: _rows(at, b"x\ty\n"), "Nothing was restored"),
    }


def _linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _said(at: Path, **changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((at / "manifest.json").read_text()) | changes
    (at / "manifest.json").write_text(json.dumps(said))
    return said


def _signed(at: Path, **changes: Any) -> None:
    """Alter the manifest as somebody does who knows how it is signed."""
    said = _said(at, **changes)
    del said["sha256"]
    _said(at, sha256=hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest())


def _listing(at: Path, text: str) -> None:
    (at / "media.sha256").write_text(text)
    _signed(at, media=hashlib.sha256(text.encode()).hexdigest())


def _rows(at: Path, lines: bytes) -> None:
    path = at / "tables/accounts_account.copy.gz"
    path.write_bytes(gzip.compress(lines))
    tables = json.loads((at / "manifest.json").read_text())["tables"]
    tables["accounts_account"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    _signed(at, tables=tables)


@pytest.mark.both_dbs
@pytest.mark.django_db(transaction=True)
def test_a_damaged_backup_is_refused_and_nothing_of_it_restored(folder: Path, tmp_path: Path) -> None:
    worlds.furnished()
    backup, _ = making.make(folder, quiet)
    default_storage.delete("originals/two.jpg")  # what is restored first, and taken back
    before, files = worlds.tables(), worlds.media()
    for number, (name, (damage, said)) in enumerate(damages().items()):
        broken = tmp_path / str(number)
        shutil.copytree(backup, broken)
        damage(broken)
        with pytest.raises((BadBackup, restoring.RestoreRefused)) as refused:
            restoring.restore(broken, quiet, replace=True)
        assert said in str(refused.value), name
        assert worlds.tables() == before, name
        assert worlds.media() == files, name


def test_a_running_product_is_not_restored_over(folder: Path, settings: Any) -> None:
    from project import launch

    backup, _ = making.make(folder, quiet)
    with launch.take(settings.DATA_DIR), pytest.raises(CommandError, match="already running"):
        call_command("restore", str(backup), replace=True)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite knows of nobody else")
@pytest.mark.django_db(transaction=True)
def test_a_database_that_others_are_connected_to_is_not_restored_over(folder: Path) -> None:
    worlds.furnished()
    backup, _ = making.make(folder, quiet)
    before, other = worlds.tables(), connection.copy()
    other.connect()
    try:
        with pytest.raises(restoring.RestoreRefused, match=r"in use \(connections besides ours: 1\)"):
            restoring.restore(backup, quiet, replace=True)
    finally:
        other.close()
    assert worlds.tables() == before
    restoring.restore(backup, quiet, replace=True)


def test_commands_make_verify_and_prune(folder: Path) -> None:
    worlds.furnished()
    out = StringIO()
    call_command("backup", to=folder, stdout=out, stderr=StringIO())
    first = Path(out.getvalue().strip())
    call_command("backup", verify=first, stdout=out)
    assert f"Whole: {Manifest.of(first).rows:,} rows" in out.getvalue()
    older = first.rename(first.with_name("tidemark-20200101T000000Z"))
    call_command("backup", to=folder, keep=1, stdout=StringIO(), stderr=StringIO())
    assert len(making.made(folder)) == 1
    assert not older.exists()
    assert AuditEntry.objects.filter(action="backup.made").count() == 2
