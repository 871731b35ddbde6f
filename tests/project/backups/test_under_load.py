"""Backups that are made while people write and delete: each holds one state, every file of it, and can be restored."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection, transaction

from project.backups import making, restoring
from tests import factories
from tests.project.backups import worlds
from workitems.models import Photo, WorkItem

pytestmark = [pytest.mark.drill, pytest.mark.both_dbs, pytest.mark.django_db(transaction=True)]
WRITERS, BACKUPS, APART = 4, 3, 0.3  # seconds between two backups


def quiet(line: str) -> None:
    """Say nothing."""


def write(number: int, stop: Event) -> int:
    """Add items with as many photos as they say, and take every other one away again; how many."""
    written = 0
    try:
        while not stop.is_set():
            name, photos = f"{number}-{written}", 1 + written % 3
            with transaction.atomic():
                item = factories.item(detail=str(photos))
                for each in range(photos):
                    worlds.pictured(item, f"{name}-{each}")
            if written % 2:
                take_away(item)
            written += 1
        return written
    finally:
        connection.close()


def take_away(item: WorkItem) -> None:
    """Delete an item as the product does: rows first, and the files once that is certain."""
    columns = ("original", "rendition", "thumbnail_path")
    names = [name for row in Photo.objects.filter(work_item=item).values_list(*columns) for name in row]
    with transaction.atomic():
        Photo.objects.filter(work_item=item).delete()
        WorkItem.objects.filter(pk=item.pk).update(detail="0")
    for name in names:
        default_storage.delete(name)


def test_each_backup_under_load_is_whole_and_comes_back(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR, stop = tmp_path / "var", Event()
    factories.user("crew")
    made = []
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(write, number, stop) for number in range(WRITERS)]
        try:
            for _ in range(BACKUPS):
                time.sleep(APART)
                made.append(making.make(tmp_path / f"backups{len(made)}", quiet))
        finally:
            stop.set()
    assert sum(writer.result() for writer in writers) > 0
    for path, manifest in made:
        assert manifest.missing == []
        media = manifest.verify(path, quiet)
        restoring.restore(path, quiet, replace=True)
        names = Photo.objects.values_list("original", "rendition", "thumbnail_path")
        assert {name for row in names for name in row} == set(media)
        photos = Counter(Photo.objects.values_list("work_item", flat=True))
        assert {pk: int(said) for pk, said in WorkItem.objects.values_list("pk", "detail")} == {
            pk: photos[pk] for pk in WorkItem.objects.values_list("pk", flat=True)
        }
    assert [manifest.tables["workitems_workitem"].rows for _, manifest in made] == sorted(
        manifest.tables["workitems_workitem"].rows for _, manifest in made
    )
