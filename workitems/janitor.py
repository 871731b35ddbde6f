"""Keeps files and rows together: files that no row speaks of go, rows whose renditions are gone get new ones.

Only files whose names are of our making are ever removed, so that nothing else that lies in the folder is touched, and
so that rows may share a file by another name (made-up data do).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.files.storage import Storage
from django.db import transaction
from django.db.models import Max
from django.db.models.signals import post_delete
from django.dispatch import receiver

from perf import clock
from perf.cache import forget
from perf.events import happened
from workitems import processing
from workitems.cache import families_of
from workitems.models import Document, Photo
from workitems.processing import RENDITION

log = logging.getLogger(__name__)

DIGITS = 256  # folders by the first two digits of a photo's name
SHARDS = DIGITS + 1  # the last is the folder of kept Word files
ROUNDS_A_DAY = 144  # rounds that beat asks for; each looks at 2 shards and at a part of the rows
ROWS_EVERY = 30  # days within which every row's files are looked for
YOUNG = timedelta(days=1)  # a file's row may not be committed yet
KEPT = timedelta(days=30)  # a removed photo, for whoever wants it back
BATCH = 500

ORIGINAL = re.compile(r"originals/([0-9a-f]{2})/\1[0-9a-f]{30}\.\w+")
WORD_FILE = re.compile(r"documents/(\d+)-\d+(?:_\w+)?\.docx")  # the item's id, its version, what tells two apart


def tidy() -> None:
    """One round: a part of the files, a part of the rows, and the photos that were removed long enough ago.

    The clock says which part, so that nothing has to be kept between rounds and all is seen in time.
    """
    number = int(clock.now().timestamp()) // (86_400 // ROUNDS_A_DAY)
    for shard in (2 * number % SHARDS, (2 * number + 1) % SHARDS):
        remove_orphans(shard)
    last = Photo.objects.aggregate(last=Max("pk"))["last"] or 0
    parts = ROUNDS_A_DAY * ROWS_EVERY
    first = last * (number % parts) // parts
    mend(first + 1, last * (number % parts + 1) // parts)
    clear_removed()


def remove_orphans(shard: int) -> int:
    """Remove the files of `shard` (below SHARDS) that no row speaks of and that are older than YOUNG; how many."""
    storage, gone, before = Photo._meta.get_field("original").storage, 0, clock.surely_over(YOUNG)
    for folder in (f"originals/{shard:02x}", f"renditions/{shard:02x}") if shard < DIGITS else ("documents",):
        there = list(_names(storage, folder))
        for start in range(0, len(there), BATCH):
            names = there[start : start + BATCH]
            orphans = sorted(set(names) - _spoken_of(names))
            for name in (each for each in orphans if _is_old(storage, each, before)):
                log.warning("no row speaks of %s: it is removed", name)
                storage.delete(name)
                gone += 1
    return gone


def mend(first: int, last: int) -> int:
    """Have the renditions of ready photos `first` to `last` (ids) made anew where a file is gone; how many."""
    ready = Photo.objects.filter(pk__range=(first, last), state=Photo.State.READY)
    lost = [photo.pk for photo in ready.order_by("pk").iterator() if is_broken(photo)]
    return processing.rebuild(Photo.objects.filter(pk__in=lost))


def is_broken(photo: Photo) -> bool:
    """Whether a rendition of a ready photo is missing while its original is there; a lost original is told of."""
    storage = photo.original.storage
    if not storage.exists(str(photo.original.name)):
        log.error("the original of photo %s is missing: %s", photo.pk, photo.original.name)
        return False
    made = (photo.rendition.name, photo.thumbnail_path)
    return not all(name and storage.exists(name) for name in made)


def clear_removed() -> int:
    """Delete the photos that were removed longer than KEPT ago, with their files; how many. Audited."""
    with transaction.atomic():
        removed = Photo.objects.removed_before(clock.surely_over(KEPT)).select_for_update(of=("self",))
        doomed = list(removed.values_list("pk", "work_item_id", "work_item__number")[:BATCH])
        Photo.objects.filter(pk__in=[pk for pk, *_ in doomed]).delete()
        for pk, item, number in doomed:
            forget(*families_of(item))
            happened(None, "workitems.photo_clear", number, {"photo": pk})
    return len(doomed)


@receiver(post_delete, sender=Photo)
def _remove_files(instance: Photo, **_: Any) -> None:
    """A photo's files go with its row, whoever deletes it, once that is certain."""
    names = [instance.original.name, instance.rendition.name, instance.thumbnail_path]
    mine = [name for name in names if name and _is_ours(name)]
    transaction.on_commit(lambda: remove_unspoken(instance.original.storage, mine), robust=True)


def remove_unspoken(storage: Storage, names: Iterable[str]) -> None:
    """Remove those of the files `names` that no row speaks of any more."""
    for name in set(names) - _spoken_of(names):
        storage.delete(name)


def _is_ours(name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in (ORIGINAL, RENDITION, WORD_FILE))


def _spoken_of(names: Iterable[str]) -> set[str]:
    """Those of `names` that a row speaks of: originals by name, renditions and Word files by the number in it."""
    found = set(Photo.objects.filter(original__in=list(names)).values_list("original", flat=True))
    numbers = {int(match[2]) for name in names if (match := RENDITION.fullmatch(name))}
    for shown in Photo.objects.filter(pk__in=numbers).values_list("rendition", "thumbnail_path"):
        found.update(shown)
    items = {int(match[1]) for name in names if (match := WORD_FILE.fullmatch(name))}
    return found.union(Document.objects.filter(work_item__in=items).values_list("file", flat=True))


def _names(storage: Storage, folder: str) -> Iterator[str]:
    """The files of `folder` that are of our making."""
    try:
        _, names = storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (name for each in names if _is_ours(name := f"{folder}/{each}"))


def _is_old(storage: Storage, name: str, before: datetime) -> bool:
    try:
        return storage.get_modified_time(name) < before
    except FileNotFoundError:  # it went with its row meanwhile
        return False
