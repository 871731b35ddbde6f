"""A restore that is killed with SIGKILL, at any moment, has done nothing or says so, and the next one ends it."""

from __future__ import annotations

import os
import signal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import CommandError, call_command
from django.db import connection

from project import recipes
from project.backups import files, making, restoring, rows, unfinished
from project.backups.manifest import Manifest
from project.models import AuditEntry
from tests import factories
from tests.project.backups import worlds
from workitems.models import WorkItem

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
EXPIRED = {"snapshots_exportjob", "workitems_bundle"}  # their files are fetched once and not in a backup

BEFORE: dict[str, tuple[Any, str, int]] = {
    "half a file": (FileSystemStorage, "_save", 2),
    "rows": (rows, "read", 30),
    "not committed": (unfinished, "begin", 1),
}
AFTER: dict[str, tuple[Any, str, int]] = {
    "committed": (restoring, "_load", 1),
    "a file deleted to be replaced": (FileSystemStorage, "delete", 4),  # three are new
    "migrated": (restoring, "call_command", 1),
}
"""Moments: after which call of what the process dies, the first ones before the rows are committed."""


def quiet(line: str) -> None:
    """Say nothing."""


@pytest.fixture
def backup(settings: Any, tmp_path: Path) -> Path:
    """A backup of a furnished world, of which three files are lost since then and one is another now."""
    settings.DATA_DIR = tmp_path / "var"
    worlds.furnished()
    path, _ = making.make(tmp_path / "backups", quiet)
    for name in ("originals/one.jpg", "originals/two.jpg", "renditions/two.jpg", "documents/1-1.docx"):
        default_storage.delete(name)
    worlds.stored("documents/1-1.docx")
    Path(default_storage.path("documents/1-1.docx")).write_bytes(b"of another database")
    return path


def killed(backup: Path, owner: Any, name: str, call: int) -> None:
    """Restore `backup` in a process that is killed after the `call`th call of `owner.name`."""
    connection.close()
    if (child := os.fork()) == 0:
        try:
            _die_after(owner, name, call)
            restoring.restore(backup, quiet, replace=True)
        finally:
            os._exit(1)  # it lived
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def _die_after(owner: Any, name: str, call: int) -> None:
    real, calls = getattr(owner, name), []

    def dying(*arguments: Any, **options: Any) -> Any:
        result = real(*arguments, **options)
        calls.append(result)
        if len(calls) == call:
            if name == "_save":
                os.truncate(default_storage.path(result), 5)
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)


def test_killed_before_its_rows_are_there_it_changed_none_and_the_next_one_works(backup: Path) -> None:
    before = worlds.tables()
    WorkItem.objects.update(detail="written over")
    after = worlds.tables()
    for moment, (owner, name, call) in BEFORE.items():
        killed(backup, owner, name, call)
        assert worlds.tables() == after, moment
        assert unfinished.find() is None, moment
        media = Manifest.of(backup).verify(backup, quiet)
        assert files.Returned(backup, media).others == {"documents/1-1.docx"}, moment  # half of ours is no other
    restoring.restore(backup, quiet, replace=True)
    assert {name for name in before if before[name] != worlds.tables()[name]} == EXPIRED
    assert worlds.media()["originals/one.jpg"] == b"the content of originals/one.jpg"


@pytest.mark.parametrize("moment", AFTER)
def test_killed_with_its_rows_there_it_says_so_and_goes_on_when_given_again(backup: Path, moment: str) -> None:
    before, gone = worlds.tables(), factories.user(username=f"erased-{2**20}", pk=2**20)
    WorkItem.objects.update(detail="written over")
    killed(backup, *AFTER[moment])
    left = unfinished.find()
    assert left is not None
    assert left.erased == [gone.pk]
    for command in ("prepare", "backup"):
        with pytest.raises(CommandError, match=f"Run `manage.py restore {backup}` again"):
            call_command(command, stderr=StringIO())
    assert list(recipes.restored()) == [("fail", left.advice)]
    call_command("restore", str(backup), stdout=StringIO())  # without --replace: it is the one that broke off
    after = worlds.tables()
    assert {name for name in before if before[name] != after[name]} == EXPIRED
    assert {name: len(content) for name, content in worlds.media().items()} == {
        name: len(f"the content of {name}") for name in files.named()
    }
    assert AuditEntry.objects.filter(action="backup.restored").count() == 1
    assert unfinished.find() is None


def test_another_backup_is_not_taken_for_the_one_that_broke_off(backup: Path, tmp_path: Path) -> None:
    WorkItem.objects.update(detail="written over")
    other, _ = making.make(tmp_path / "others", quiet)
    killed(backup, *AFTER["committed"])
    with pytest.raises(restoring.RestoreRefused, match=f"A restore of {backup} broke off"):
        restoring.restore(other, quiet)
    restoring.restore(other, quiet, replace=True)
    assert WorkItem.objects.get().detail == "written over"
    assert unfinished.find() is None


def test_what_fails_once_the_rows_are_there_is_told_and_done_by_the_next(backup: Path, monkeypatch: Any) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "documents/1-1.docx")

    with monkeypatch.context() as broken:
        broken.setattr(files.Returned, "replace", full)
        with pytest.raises(CommandError, match=r"No space left .* run the same command again"):
            call_command("restore", str(backup), replace=True, stdout=StringIO())
    call_command("restore", str(backup), stdout=StringIO())
    assert worlds.media()["documents/1-1.docx"] == b"the content of documents/1-1.docx"
