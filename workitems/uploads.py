"""A device promises a photo and sends it in pieces over any connection there is; the last piece makes the photo."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.http import UnreadablePostError

from perf import room
from perf.cache import forget
from perf.clock import db_now, now
from perf.events import happened
from workitems import photos
from workitems.cache import families_of
from workitems.models import Photo, Upload, WorkItem
from workitems.workflow import name_of

BLOCK = 65_536  # bytes read at once
PATIENCE = timedelta(days=7)
"""How long a promise is kept of which nothing arrives."""
STALLED = timedelta(minutes=2)
"""After which the sweep finishes what has arrived whole: whoever received the last piece was killed."""
EXPIRED = "Nothing of it arrived for 7 days. The device that took it can send it again."


class KeyTaken(Exception):
    """The device calls two different files by one name."""

    def __init__(self) -> None:
        super().__init__("This key was promised with another file. Use a new key for each photo.")


class WrongOffset(Exception):
    """The piece begins elsewhere than what is here ends, at `offset`."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"{offset} bytes of it are here. Go on from there.")
        self.offset = offset


class MoreThanPromised(Exception):
    """The piece goes beyond the size that was promised; nothing of it was read."""

    def __init__(self) -> None:
        super().__init__("This is more than was promised. Nothing of this piece was kept.")


class Stream(Protocol):
    """Bytes as they arrive."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Promise:
    """What a device says of a photo before it sends it: its own `key` for it, `size` in bytes, `sha256` in hex."""

    key: str
    size: int
    sha256: str
    name: str = ""
    caption: str = ""
    position: int | None = None
    replaces: Photo | None = None


def promise(item: WorkItem, said: Promise, *, by: Any) -> Upload:
    """The upload of `said` to `item`: the one under way or stored under its key, else a new one.

    One that was given up begins again. Raises PermissionDenied; KeyTaken; photos.PhotoTooLarge, TooManyPhotos;
    ValidationError for the caption.
    """
    if said.size > settings.MAX_PHOTO_BYTES:
        raise photos.PhotoTooLarge(said.size)
    with transaction.atomic():
        locked = WorkItem.objects.select_for_update().get(pk=item.pk)
        held = Upload.objects.filter(work_item=locked, key=said.key).select_related("photo").first()
        if held is not None and not may_continue(held, by):
            raise PermissionDenied("Somebody else sends this photo.")
        if held is not None and (held.size, held.sha256) != (said.size, said.sha256):
            raise KeyTaken
        if held is None or held.state == Upload.State.GIVEN_UP:
            return _begin(locked, held or Upload(), said, by)
        if held.state == Upload.State.OPEN:
            _describe(held, said)
            held.save(update_fields=["caption", "position", "replaces"])
        return held


def find(pk: UUID, user: Any) -> Upload:
    """The upload `pk`, for who may continue it. Raises Upload.DoesNotExist."""
    upload = Upload.objects.select_related("work_item", "photo", "replaces", "created_by").get(pk=pk)
    if not may_continue(upload, user):
        raise Upload.DoesNotExist
    return upload


def may_continue(upload: Upload, user: Any) -> bool:
    """Whether `user` may send the rest of it, or give it up: who promised it, and who may edit the item."""
    return (user.pk is not None and upload.created_by_id == user.pk) or photos.may_change(upload.work_item, user)


def arrived(upload: Upload) -> int:
    """How many bytes of it are here, in order; never more than the file holds, whatever the row says."""
    if upload.state == Upload.State.STORED:
        return upload.size
    try:
        return min(upload.offset, path_of(upload).stat().st_size)
    except FileNotFoundError:
        return 0


def append(upload: Upload, offset: int, stream: Stream, length: int) -> Upload:
    """Keep the `length` bytes of `stream` that follow `offset`, or as many as arrive; when all are here, the photo is.

    A piece of what is stored or given up changes nothing. Raises WrongOffset, MoreThanPromised,
    photos.NoSpace and photos.NotAsPromised.
    """
    if upload.state != Upload.State.OPEN:
        return upload
    here = arrived(upload)
    if offset != here:
        raise WrongOffset(here)
    if length > upload.size - here:
        raise MoreThanPromised
    here = _receive(upload, here, stream)
    # A connection that was given up for dead may end later than its successor: it never takes anything back.
    Upload.objects.open().filter(pk=upload.pk, offset__lte=here).update(offset=here, touched_at=db_now())
    upload.refresh_from_db(fields=["offset", "state"])
    return finish(upload) if here == upload.size else upload


def finish(upload: Upload) -> Upload:
    """Make the photo of what has arrived whole; what is no photo is given up with the reason.

    Raises photos.NotAsPromised, and then it begins again from nothing.
    """
    path = path_of(upload)
    try:
        photos.add(
            upload.work_item,
            path,
            by=upload.created_by,
            key=upload.key,
            name=upload.name,
            caption=upload.caption,
            position=upload.position or None,
            replaces=upload.replaces,
            promised=upload,
        )
    except photos.NotAsPromised:
        path.unlink(missing_ok=True)
        Upload.objects.open().filter(pk=upload.pk).update(offset=0)
        raise
    except photos.REFUSALS as refused:
        give_up(upload, str(refused), by=None)
    except FileNotFoundError:
        pass  # another session was faster, or the disk is a new one: the row says which
    path.unlink(missing_ok=True)
    upload.refresh_from_db()
    return upload


def give_up(upload: Upload, fault: str, *, by: Any) -> None:
    """Wait for it no longer; `fault` says why, for people. What was stored meanwhile stays. Twice is once."""
    with transaction.atomic():
        item = WorkItem.objects.select_for_update().get(pk=upload.work_item_id)
        if Upload.objects.open().filter(pk=upload.pk).update(state=Upload.State.GIVEN_UP, fault=fault[:200], offset=0):
            _tell(item, by, "give_up", upload, fault=fault)
            transaction.on_commit(lambda: path_of(upload).unlink(missing_ok=True), robust=True)


def withdraw(upload: Upload, *, by: Any) -> None:
    """Give it up because `by`, who may continue it, says so. Raises PermissionDenied."""
    if not may_continue(upload, by):
        raise PermissionDenied("Somebody else sends this photo.")
    give_up(upload, f"{name_of(by)} stopped waiting for it.", by=by)


def sweep() -> tuple[int, int]:
    """Finish what arrived whole and was left, give up what nobody sends, clear away pieces of neither.

    How many were finished and how many given up.
    """
    waiting = Upload.objects.open().select_related("work_item", "replaces", "created_by")
    whole = list(waiting.filter(offset=F("size"), touched_at__lt=db_now(-STALLED)))
    finished = sum(_finished(upload) for upload in whole)
    late = list(waiting.filter(touched_at__lt=db_now(-PATIENCE)))
    for upload in late:
        give_up(upload, EXPIRED, by=None)
    _clear_pieces()
    return finished, len(late)


def path_of(upload: Upload) -> Path:
    """Where the pieces of it are kept until it is a photo."""
    return _folder() / str(upload.pk)


def _folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "partial"


def _begin(item: WorkItem, upload: Upload, said: Promise, by: Any) -> Upload:
    upload.work_item, upload.key, upload.size, upload.sha256 = item, said.key, said.size, said.sha256
    _describe(upload, said)
    upload.created_by, upload.created_by_name, upload.touched_at = by, name_of(by), now()
    upload.offset, upload.fault, upload.photo = 0, "", photos.find(item, said.key)
    upload.state = Upload.State.STORED if upload.photo else Upload.State.OPEN
    if upload.photo is not None and upload.photo.sha256 != said.sha256:
        raise KeyTaken
    if upload.photo is None:
        if not photos.may_change(item, by):
            raise PermissionDenied(f"You may not change the photos of {item.number} now.")
        photos.check_room(item, key=said.key, replaces=said.replaces)
    upload.save()
    _tell(item, by, "promise", upload, size=said.size)
    return upload


def _describe(upload: Upload, said: Promise) -> None:
    upload.name, upload.caption = photos.file_name(said.name), photos.clean_caption(said.caption)
    upload.position, upload.replaces = said.position or 0, said.replaces


def _receive(upload: Upload, offset: int, stream: Stream) -> int:
    """Write what arrives behind `offset`; how many bytes are then safely here, also where the connection was cut."""
    path = path_of(upload)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.seek(offset)
            try:
                while offset < upload.size and (piece := stream.read(min(BLOCK, upload.size - offset))):
                    offset += file.write(piece)
            except UnreadablePostError:
                pass  # what arrived before the cut is as good as any piece
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if why := room.refusal(error):
            raise photos.NoSpace(why) from error
        raise
    return offset


def _finished(upload: Upload) -> bool:
    try:
        return arrived(upload) == upload.size and finish(upload).state == Upload.State.STORED
    except (photos.NotAsPromised, photos.NoSpace):
        return False  # its device sends it again, or a later sweep finds room


def _clear_pieces() -> None:
    """Remove pieces whose upload is stored, given up or gone: of whoever was killed just before doing so."""
    try:
        names = [path.name for path in _folder().iterdir()]
    except FileNotFoundError:
        return
    open_ones = {str(pk) for pk in Upload.objects.open().values_list("pk", flat=True)}
    for name in set(names) - open_ones:
        (_folder() / name).unlink(missing_ok=True)


def _tell(item: WorkItem, by: Any, act: str, upload: Upload, **detail: Any) -> None:
    WorkItem.objects.filter(pk=item.pk).recount()
    forget(*families_of(item.pk))
    happened(by, f"workitems.upload_{act}", item.number, {"upload": str(upload.pk), "key": upload.key} | detail)
