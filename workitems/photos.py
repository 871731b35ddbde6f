"""The photos of an item: added, removed and restored, captioned and put in order."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files import File
from django.core.files.storage import Storage
from django.db import DatabaseError, transaction
from django.db.models import Max, Q
from django.template.defaultfilters import filesizeformat

from perf import room
from perf.cache import forget
from perf.clock import now
from perf.events import happened
from workitems import images
from workitems.cache import families_of
from workitems.images import NotAPhoto
from workitems.models import Photo, Upload, WorkItem
from workitems.workflow import name_of

ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "HEIF": ".heic"}
"""How the file of an original ends, by what it is; what its sender called it is kept beside it."""


class TooManyPhotos(Exception):
    """The item has all the photos it may have, those that are on their way included."""

    def __init__(self) -> None:
        super().__init__(f"An item has at most {settings.MAX_PHOTOS} photos. Remove one to add another.")


class PhotoTooLarge(Exception):
    """The file is larger than MAX_PHOTO_BYTES."""

    def __init__(self, size: int) -> None:
        most = filesizeformat(settings.MAX_PHOTO_BYTES)
        super().__init__(f"This file has {filesizeformat(size)}; a photo may have {most}.")


class NoSpace(Exception):
    """The disk takes nothing more, being full or read-only; what arrived before is kept."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The server's disk is {why}. What arrived is kept; keep the photo and try again later.")


class NotAsPromised(Exception):
    """What arrived is not the file that was promised: its hash is another."""

    def __init__(self) -> None:
        super().__init__("What arrived is not the file that was promised. It was put aside; send it again.")


REFUSALS = (NotAPhoto, PhotoTooLarge, TooManyPhotos)
"""Why a photo was not taken; each says it in a sentence for people."""


def may_change(item: WorkItem, user: Any) -> bool:
    """Whether `user` may add, remove, caption and move photos of `item`."""
    return item.may_edit(user)


def add(
    item: WorkItem,
    file: File[Any] | Path,
    *,
    by: Any,
    key: str = "",
    name: str = "",
    caption: str = "",
    position: int | None = None,
    replaces: Photo | None = None,
    promised: Upload | None = None,
) -> Photo:
    """Store `file` as a photo of `item`; the same `key` twice is the photo that is there, removed or not.

    `name` is what its sender calls it, `position` starts at 1 (None: the last), and the photo it `replaces` goes
    and leaves it place and caption. Renditions are made later: whoever calls this enqueues process_photos on commit.
    `by` None is the product itself, asked for neither rights nor the cap; what was `promised` had its right then.
    Raises PermissionDenied; ValidationError for the caption; NotAsPromised; NoSpace; what REFUSALS names: nothing was
    stored.
    """
    if promised is None and by is not None:
        _check_right(item, by)
    if there := find(item, key):
        with transaction.atomic():
            _keep_promise(WorkItem.objects.select_for_update().get(pk=item.pk), there)
        return there
    with _opened(file) as content:
        photo = _photo_of(content, name=name, caption=caption)
        if promised is not None and promised.sha256 != photo.sha256:
            raise NotAsPromised
        photo.key, photo.uploaded_by, photo.uploaded_by_name = key, by, name_of(by)
        storage = photo.original.storage
        photo.original.name = stored = _store(storage, f"originals/{_new_name(photo.format)}", content)
    try:
        return _add_row(item, photo, position=position, replaces=replaces, has_right=promised is not None or by is None)
    except DatabaseError:
        raise  # nobody knows whether it was committed: the janitor will
    except BaseException:
        storage.delete(stored)
        raise


def find(item: WorkItem, key: str) -> Photo | None:
    """The photo that a device calls `key`, removed or not."""
    return Photo.objects.filter(work_item=item, key=key).first() if key else None


def check_room(item: WorkItem, *, key: str, replaces: Photo | None) -> None:
    """Raise TooManyPhotos unless `item` (locked) has a place for one more; promises under way hold theirs.

    What comes in the place of a photo that is still there needs none, and neither does what is under way as `key`.
    """
    if replaces is not None and replaces.deleted_at is None:
        return
    needs_place = Q(replaces=None) | Q(replaces__deleted_at__isnull=False)
    promised = Upload.objects.open().filter(needs_place, work_item=item).exclude(key=key)
    if Photo.objects.present().filter(work_item=item).count() + promised.count() >= settings.MAX_PHOTOS:
        raise TooManyPhotos


def remove(photo: Photo, *, by: Any) -> None:
    """Take `photo` off its item; `restore` undoes it. Twice is once. Raises PermissionDenied."""
    with transaction.atomic():
        _lock(photo, by)
        if photo.deleted_at is None:
            _set_deleted(photo, by, removed=True)


def restore(photo: Photo, *, by: Any) -> None:
    """Put a removed `photo` back. Twice is once. Raises PermissionDenied; TooManyPhotos."""
    with transaction.atomic():
        item = _lock(photo, by)
        if photo.deleted_at is not None:
            check_room(item, key="", replaces=None)
            _set_deleted(photo, by, removed=False)


def set_caption(photo: Photo, caption: str, *, by: Any) -> None:
    """Write what the photo shows. Raises PermissionDenied; ValidationError for one that is too long."""
    caption = clean_caption(caption)
    with transaction.atomic():
        item = _lock(photo, by)
        if photo.caption != caption:
            before, photo.caption = photo.caption, caption
            photo.save(update_fields=["caption"])
            _tell(item, by, "caption", photo, before=before, after=caption)


def move(photo: Photo, position: int, *, by: Any) -> None:
    """Make `photo` the `position`-th of its item, from 1; beyond an end is the end. Raises PermissionDenied."""
    with transaction.atomic():
        item = _lock(photo, by)
        order = [each for each in Photo.objects.present().filter(work_item=item).in_order() if each.pk != photo.pk]
        order.insert(min(max(position - 1, 0), len(order)), photo)
        moved = [(place, each) for place, each in enumerate(order, 1) if each.position != place]
        for place, each in moved:
            each.position = place
            each.save(update_fields=["position"])
        if moved:
            _tell(item, by, "move", photo, position=photo.position)


def clean_caption(caption: str) -> str:
    """The caption as it is stored: one line. Raises ValidationError for one that is too long."""
    caption = one_line(caption)
    Photo._meta.get_field("caption").run_validators(caption)
    return caption


def file_name(given: str) -> str:
    """What a sender calls a file, without its folders; at most 255 characters."""
    return one_line(given).replace("\\", "/").rpartition("/")[2][:255]


def one_line(text: str) -> str:
    """`text` without line breaks and what no database stores."""
    return " ".join(text.replace("\x00", " ").split())


@contextmanager
def _opened(file: File[Any] | Path) -> Iterator[File[Any]]:
    if isinstance(file, File):
        yield file
        return
    with file.open("rb") as opened:
        yield File(opened, name=file.name)


def _photo_of(file: File[Any], *, name: str, caption: str) -> Photo:
    """An unsaved photo with what the content says of itself. Raises NotAPhoto, PhotoTooLarge, ValidationError."""
    if file.size > settings.MAX_PHOTO_BYTES:
        raise PhotoTooLarge(file.size)
    file.seek(0)
    found = images.identify(file)
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    called = file_name(name or file.name or "")
    return Photo(
        caption=clean_caption(caption), original_name=called, format=found.format, sha256=sha256, size=file.size
    )


def _new_name(kind: str) -> str:
    name = uuid.uuid4().hex
    return f"{name[:2]}/{name}{ENDINGS[kind]}"  # a folder holds 1/256 of them


def _store(storage: Storage, name: str, content: File[Any]) -> str:
    """Its name in the storage, where it is safe. Raises NoSpace; then the disk keeps nothing of it."""
    try:
        stored = storage.save(name, content)  # under that name, since nobody else has it
        _flush(storage, stored)
    except OSError as error:
        storage.delete(name)
        if why := room.refusal(error):
            raise NoSpace(why) from error
        raise
    return stored


def _flush(storage: Storage, name: str) -> None:
    """Let the file outlive a power cut, where it is a file; a store over the network answers when it is safe."""
    with suppress(NotImplementedError):
        path = Path(storage.path(name))
        for each in (path, path.parent):
            opened = os.open(each, os.O_RDONLY)
            os.fsync(opened)
            os.close(opened)


def _add_row(item: WorkItem, photo: Photo, *, position: int | None, replaces: Photo | None, has_right: bool) -> Photo:
    by = photo.uploaded_by
    with transaction.atomic():
        locked = WorkItem.objects.select_for_update().get(pk=item.pk)
        if there := find(locked, photo.key):  # another session was first
            _keep_promise(locked, there)
            surplus = str(photo.original.name)
            transaction.on_commit(lambda: photo.original.storage.delete(surplus), robust=True)
            return there
        if replaces is not None:
            replaces = Photo.objects.filter(work_item=locked).get(pk=replaces.pk)
        if not has_right:
            _check_right(locked, by)
        if by is not None:
            check_room(locked, key=photo.key, replaces=replaces)
        photo.work_item, photo.replaces = locked, replaces
        photo.position = position or _last(locked) + 1
        if replaces is not None and replaces.deleted_at is None:
            photo.position, photo.caption = replaces.position, photo.caption or replaces.caption
            Photo.objects.filter(pk=replaces.pk).update(deleted_at=now(), deleted_by=by)
        photo.save()
        _keep_promise(locked, photo)
        _tell(locked, by, "add", photo, sha256=photo.sha256, replaces=replaces and replaces.pk)
    return photo


def _last(item: WorkItem) -> int:
    last = Photo.objects.present().filter(work_item=item).aggregate(last=Max("position"))["last"]
    return last or 0


def _keep_promise(item: WorkItem, photo: Photo) -> None:
    """Close the upload that promised `photo`, if there is one, whichever way the photo came."""
    promise = Upload.objects.filter(work_item=item, key=photo.key).exclude(state=Upload.State.STORED)
    if photo.key and promise.update(state=Upload.State.STORED, photo=photo, fault=""):
        WorkItem.objects.filter(pk=item.pk).recount()
        forget(*families_of(item.pk))


def _check_right(item: WorkItem, user: Any) -> None:
    if not may_change(item, user):
        raise PermissionDenied(f"You may not change the photos of {item.number} now.")


def _lock(photo: Photo, by: Any) -> WorkItem:
    """The item, locked, and `photo` as it is now. Raises PermissionDenied."""
    item = WorkItem.objects.select_for_update().get(pk=photo.work_item_id)
    _check_right(item, by)
    photo.refresh_from_db()
    return item


def _set_deleted(photo: Photo, by: Any, *, removed: bool) -> None:
    if photo.deleted_at is not None:  # the removal stays in the timeline
        who = {"removed_by": photo.deleted_by, "removed_by_name": name_of(photo.deleted_by)}
        photo.restorations.create(removed_at=photo.deleted_at, **who, by=by, by_name=name_of(by))
    photo.deleted_at, photo.deleted_by = (now(), by) if removed else (None, None)
    photo.save(update_fields=["deleted_at", "deleted_by"])
    _tell(photo.work_item, by, "remove" if removed else "restore", photo)


def _tell(item: WorkItem, by: Any, act: str, photo: Photo, **detail: Any) -> None:
    """Make the numbers beside the item true, its answers stale, and the act known."""
    WorkItem.objects.filter(pk=item.pk).recount()
    forget(*families_of(item.pk))
    happened(by, f"workitems.photo_{act}", item.number, {"photo": photo.pk} | detail)
