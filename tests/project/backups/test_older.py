"""A backup of an earlier version is brought to this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from project.backups import making, restoring
from snapshots.models import Snapshot
from tests.project.backups import worlds
from workitems.models import WorkItem

EARLIER = [
    ("snapshots", "0014_fill_published_figures"),  # before a column
    ("workitems", "0019_removals_are_kept"),  # before an index
]


def quiet(line: str) -> None:
    """Say nothing."""


def applied() -> list[list[str]]:
    """The migrations that the database has."""
    loader = MigrationExecutor(connection).loader
    return sorted(list(key) for key in loader.applied_migrations if key in loader.graph.nodes)


def earlier_backup(into: Path, monkeypatch: Any) -> Path:
    """A backup as the version of EARLIER made it, whose database this one is now."""
    MigrationExecutor(connection).migrate(EARLIER)
    had = applied()
    state = MigrationExecutor(connection).loader.project_state([(app, name) for app, name in had])
    with monkeypatch.context() as version:
        version.setattr(making, "apps", state.apps)
        version.setattr(making, "_applied", lambda: had)
        return making.make(into, quiet)[0]


@pytest.mark.drill  # it migrates back and forth
@pytest.mark.usefixtures("restored")
def test_backup_of_an_earlier_version_is_brought_to_this_one(tmp_path: Path, monkeypatch: Any) -> None:
    worlds.furnished()
    now = applied()
    backup = earlier_backup(tmp_path / "backups", monkeypatch)
    WorkItem.objects.update(detail="written over")
    restoring.restore(backup, quiet, replace=True)
    assert applied() == now
    assert WorkItem.objects.get().detail == worlds.HARD
    assert Snapshot.objects.get().followers == 2**40
    after = worlds.tables()
    with pytest.raises(restoring.RestoreRefused, match="newer version than the backup"):
        restoring.restore(backup, quiet, replace=True)
    assert worlds.tables() == after
