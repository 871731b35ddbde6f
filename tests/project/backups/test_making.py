"""A backup is of one state, whole, and written while others work."""

from __future__ import annotations

import errno
import gzip
import os
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, models

from accounts.models import Account
from project.backups import files, making, rows
from project.backups.manifest import Manifest, table_file
from snapshots.models import LatestSnapshot, Snapshot
from tests import factories
from tests.project.backups import worlds
from workitems.models import Photo

pytestmark = pytest.mark.django_db


def quiet(line: str) -> None:
    """Say nothing."""


def told(backup: Path, table: str, *columns: str) -> list[tuple[str, ...]]:
    """The values of `columns` of every row of `table` in the backup."""
    names = Manifest.of(backup).tables[table].columns
    with gzip.open(table_file(backup, table), "rt", newline="\n") as lines:
        cells = [dict(zip(names, line.rstrip("\n").split("\t"), strict=True)) for line in lines]
    return sorted(tuple(row[column] for column in columns) for row in cells)


def test_every_table_is_in_it_and_every_column_that_holds_something(tmp_path: Path) -> None:
    _, manifest = making.make(tmp_path / "backups", quiet)
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
    assert there - manifest.tables.keys() == {"django_migrations", "django_session", "project_signin"}
    assert manifest.tables["workitems_workitem"].rows == 0
    stored = {"workitems_workitem": {"words", "letters"}}  # worked out by PostgreSQL itself
    for name, table in manifest.tables.items():
        with connection.cursor() as cursor:
            columns = {each.name for each in connection.introspection.get_table_description(cursor, name)}
        assert columns - set(table.columns) == stored.get(name, set())


def test_every_column_that_names_a_file_is_known() -> None:
    found = {
        (model, field.name)
        for model in rows.stored_models(apps)
        for field in model._meta.concrete_fields
        if isinstance(field, models.FileField) or field.name.endswith("_path")
    }
    assert found == set(files.NAMED)


def test_both_databases_write_the_same_values(tmp_path: Path) -> None:
    worlds.furnished()
    seen = set()
    for model in rows.stored_models(apps):
        fields = list(rows.columns_of(model).values())
        for write in (rows.write, rows._write):
            with (tmp_path / write.__name__).open("wb") as file:
                write(model, file)
        with (tmp_path / "write").open("rb") as ours, (tmp_path / "_write").open("rb") as theirs:
            assert sorted(map(str, rows._values(fields, ours))) == sorted(map(str, rows._values(fields, theirs)))
        seen |= {type(field) for field in fields if model._base_manager.exists()}
    assert {models.DurationField, models.JSONField, models.DecimalField, models.FloatField} <= seen


def test_files_that_go_or_come_while_it_is_written_are_caught_up_with(tmp_path: Path, monkeypatch: Any) -> None:
    item = worlds.furnished()
    copied, turns = files.copy_out, []

    def meanwhile(names: set[str], *rest: Any) -> set[str]:
        """After the first state was read a photo comes, one of that state goes for good, a rendition is renewed."""
        turns.append(names)
        if len(turns) == 2:
            worlds.pictured(item, "new")
            _lose(Photo.objects.get(caption="one"))
            Photo.objects.filter(caption="two").update(rendition=worlds.stored("renditions/two-again.jpg"))
            default_storage.delete("renditions/two.jpg")
        return copied(names if len(turns) > 1 else set(), *rest)

    monkeypatch.setattr(files, "copy_out", meanwhile)
    backup, manifest = making.make(tmp_path / "backups", quiet)
    assert len(turns) == 3
    assert manifest.missing == []
    assert told(backup, "workitems_photo", "caption", "rendition") == [
        ("new", "renditions/new.jpg"),
        ("two", "renditions/two-again.jpg"),
    ]
    assert set(manifest.verify(backup, quiet)) == files.named()


def _lose(photo: Photo) -> None:
    for name in (photo.original.name, photo.rendition.name, photo.thumbnail_path):
        default_storage.delete(str(name))
    photo.delete()


@pytest.mark.django_db(transaction=True)
def test_rows_are_of_one_state_whoever_commits_meanwhile(tmp_path: Path, monkeypatch: Any) -> None:
    worlds.furnished()
    write = rows.write

    def meanwhile(model: Any, file: Any) -> int:
        """Somebody else commits between any two tables."""
        other = Thread(target=_snapshot)
        other.start()
        other.join()
        return write(model, file)

    monkeypatch.setattr(rows, "stored_models", lambda _: [Account, LatestSnapshot, Snapshot])
    monkeypatch.setattr(rows, "write", meanwhile)
    before = {model: model.objects.count() for model in (Account, LatestSnapshot, Snapshot)}
    _, manifest = making.make(tmp_path / "backups", quiet)
    assert Account.objects.count() > before[Account]
    assert {name: table.rows for name, table in manifest.tables.items()} == {
        model._meta.db_table: count for model, count in before.items()
    }


def _snapshot() -> None:
    try:
        factories.snapshot()
    finally:
        connection.close()


def test_a_lost_file_is_told_of_and_the_rest_kept(tmp_path: Path) -> None:
    worlds.furnished()
    default_storage.delete("originals/one.jpg")
    errors = StringIO()
    call_command("backup", to=tmp_path, stdout=StringIO(), stderr=errors)
    assert "A row speaks of originals/one.jpg, which was lost before this backup." in errors.getvalue()
    (backup,) = making.made(tmp_path)
    assert Manifest.of(backup).missing == ["originals/one.jpg"]
    assert (backup / "media/renditions/one.jpg").is_file()


def test_a_backup_that_broke_off_is_none_and_the_next_clears_it_away(tmp_path: Path, monkeypatch: Any) -> None:
    worlds.furnished()
    into = tmp_path / "backups"
    left = into / "tidemark-20260101T000000Z.part"  # of one that was killed
    left.mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr(making, "list_media", _full)
        with pytest.raises(CommandError, match="No space left on device"):
            call_command("backup", to=into, stderr=StringIO())
    assert list(into.iterdir()) == []


def _full(*_: Any) -> str:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_two_backups_do_not_share_a_folder(tmp_path: Path) -> None:
    with making._alone(tmp_path), pytest.raises(CommandError, match="Another backup is being written"):
        call_command("backup", to=tmp_path, stderr=StringIO())
