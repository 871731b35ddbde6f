"""What of a person lies in files of work items: what cameras wrote into photos, names in Word files, unsent photos.

All run in the caller's transaction. New files are stored first and old ones removed once it is committed; whoever is
killed between leaves a file that no row speaks of, and the janitor removes that.
"""

from __future__ import annotations

import logging
import re
import zipfile
from collections.abc import Callable, Collection, Iterator
from hashlib import sha256
from html import escape, unescape
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, Q, QuerySet

from workitems import bundles
from workitems.headers import NotAPhoto, identify
from workitems.janitor import remove_unspoken
from workitems.metadata import without_metadata
from workitems.models import Bundle, Document, Photo, Upload, WorkItem
from workitems.photos import ENDINGS
from workitems.uploads import path_of

log = logging.getLogger(__name__)

TEXT = re.compile(r">([^<]+)<")  # of XML, between two tags
Rename = Callable[[str], str]


def photos_of(user: Any) -> QuerySet[Photo]:
    """Photos that `user` took: those they sent, and those of unknown senders on their items."""
    return Photo.objects.filter(Q(uploaded_by=user) | Q(uploaded_by=None, work_item__submitter=user))


def uploads_of(user: Any) -> QuerySet[Upload]:
    """Photos that devices of `user` promised, whatever became of them."""
    return Upload.objects.filter(created_by=user)


def clean_photos(user: Any) -> int:
    """Take positions and all else that cameras tell out of the photos of `user`, rows and originals; how many files."""
    cleaned = 0
    photos = photos_of(user).order_by("pk")
    for photo in photos.iterator(chunk_size=100):
        unseen = {"latitude": None, "longitude": None, "original_name": f"photo{_ending(photo)}"}
        cleaned += bool(changed := _clean(photo))
        if photo.state in Photo.UNFINISHED:  # whoever reads the old file just now begins anew
            changed |= {"state": Photo.State.RECEIVED, "tries": 0, "leased_until": None}
        Photo.objects.filter(pk=photo.pk).update(**unseen, **changed)
    return cleaned


def _ending(photo: Photo) -> str:
    return Path(str(photo.original.name)).suffix or ENDINGS["JPEG"]


def _clean(photo: Photo) -> dict[str, Any]:
    """Store the original anew without what its camera wrote; the columns that change, none where nothing was told."""
    storage, before = photo.original.storage, str(photo.original.name)
    try:
        with photo.original.open("rb") as file:
            data = file.read()
    except FileNotFoundError:
        log.warning("the original of photo %s is missing: %s", photo.pk, before)
        return {}
    if (clean := _without_metadata(photo, data)) == data:
        return {}
    stored = _store(photo, clean)
    transaction.on_commit(lambda: remove_unspoken(storage, [before]), robust=True)
    return {"original": stored, "sha256": sha256(clean).hexdigest(), "size": len(clean)}


def _without_metadata(photo: Photo, data: bytes) -> bytes:
    """The original clean; its picture, which holds pixels alone, where the original cannot be taken apart."""
    try:
        return without_metadata(data, identify(BytesIO(data)).format)
    except NotAPhoto:
        if not photo.rendition:
            return b""  # it was refused, or soon will be: nothing is shown of it
    with photo.rendition.open("rb") as file:
        picture: bytes = file.read()
    return picture


def _store(photo: Photo, data: bytes) -> str:
    name = uuid4().hex
    stored: str = photo.original.storage.save(f"originals/{name[:2]}/{name}{_ending(photo)}", ContentFile(data))
    return stored


def forget_uploads(user: Any) -> int:
    """Delete what devices of `user` promised, with the pieces that arrived; photos that were made of it stay."""
    items = WorkItem.objects.filter(pk__in=uploads_of(user).values("work_item"))
    locked = list(items.order_by("pk").select_for_update().values_list("pk", flat=True))
    rows = list(uploads_of(user))
    uploads_of(user).delete()
    WorkItem.objects.filter(pk__among=locked).recount()
    paths = [path_of(row) for row in rows]
    transaction.on_commit(lambda: _unlink(paths), robust=True)
    return len(rows)


def _unlink(paths: Collection[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def rename_in_documents(items: Collection[int], rename: Rename) -> int:
    """Write `rename` of every text into the kept Word files of `items` (ids); how many files changed."""
    changed = 0
    for document in Document.objects.filter(work_item__among=list(items)).exclude(file="").order_by("pk"):
        storage, before = document.file.storage, str(document.file.name)
        try:
            with document.file.open("rb") as file:
                old = file.read()
        except FileNotFoundError:
            log.warning("the Word file %s is missing: %s", document.pk, before)
            continue
        if (new := _renamed(old, rename)) is None:
            continue
        stored = storage.save(f"documents/{document.work_item_id}-{document.version}.docx", ContentFile(new))
        Document.objects.filter(pk=document.pk).update(file=stored)
        transaction.on_commit(lambda storage=storage, before=before: storage.delete(before), robust=True)  # type: ignore[misc]  # bound now
        changed += 1
    return changed


def _renamed(old: bytes, rename: Rename) -> bytes | None:
    """The Word file with every text renamed, its pictures as they are; None where that changes nothing."""
    into, parts = BytesIO(), list(_parts(old, rename))
    if all(before == after for _, before, after in parts):
        return None
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as file:
        for info, _, after in parts:
            file.writestr(info, after)
    return into.getvalue()


def _parts(old: bytes, rename: Rename) -> Iterator[tuple[zipfile.ZipInfo, bytes, bytes]]:
    with zipfile.ZipFile(BytesIO(old)) as file:
        for info in file.infolist():
            before = file.read(info)
            text = info.filename.endswith((".xml", ".rels"))
            yield info, before, _rename_xml(before.decode(), rename).encode() if text else before


def _rename_xml(text: str, rename: Rename) -> str:
    def replaced(match: re.Match[str]) -> str:
        said = unescape(match[1])
        return match[0] if (renamed := rename(said)) == said else f">{escape(renamed, quote=False)}<"

    return TEXT.sub(replaced, text)


def expire_bundles() -> int:
    """Remove the zips of Word files that are ready, and have unfinished ones begun anew; how many are removed."""
    done = list(Bundle.objects.filter(state=Bundle.State.DONE))
    Bundle.objects.filter(pk__among=[bundle.pk for bundle in done]).update(state=Bundle.State.EXPIRED)
    running = Bundle.objects.filter(state=Bundle.State.RUNNING)
    running.update(state=Bundle.State.WAITING, leased_until=None, tries=F("tries") + 1)
    paths = [bundles.path_of(bundle) for bundle in done]
    transaction.on_commit(lambda: _unlink(paths), robust=True)
    return len(done)
