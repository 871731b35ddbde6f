"""The photos in a form: new ones, retakes, captions, order and removals, as one request brings them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict

from workitems import photos
from workitems.models import Photo, Upload, WorkItem
from workitems.uploads import Promise, give_up

LONGEST_NAME = 60  # characters of a file's name in a sentence


@dataclass(slots=True)
class Attached:
    """What became of a form's photos: how many were stored, and a sentence about each thing that was refused."""

    stored: int = 0
    refused: list[str] = field(default_factory=list)

    def sentence(self, *, may_add: bool = True) -> str:
        """What was refused, what was kept, and what to do, if anything; empty where all went well."""
        kept = {0: "", 1: " The other photo is stored."}.get(self.stored, f" The other {self.stored} are stored.")
        advice = " Add another one below." if may_add else ""
        return f"{' '.join(self.refused)}{kept}{advice}" if self.refused else ""


def attach(
    item: WorkItem, given: Mapping[str, str], files: MultiValueDict[str, UploadedFile[Any]], *, by: Any, key: str
) -> Attached:
    """Do to the photos of `item` what a form says; every good photo is stored, whatever the others are.

    `photo-1` … `caption-1` … are new ones; `remove-<id>`, `caption-of-<id>`, `place-<id>` and `retake-<id>` change
    those that are there. Beside the caption and the place stand those that the form showed (`caption-was-<id>`,
    `place-was-<id>`): what is still the same was not changed by `by`, and is not written over what came meanwhile.
    `key` is the form's own: the same form twice stores each photo once. Raises PermissionDenied.
    """
    done, there = Attached(), list(item.photos.present().in_order())
    for photo in list(there):
        if given.get(f"remove-{photo.pk}"):
            photos.remove(photo, by=by)
            there.remove(photo)
    _recaption(there, given, done, by)
    _reorder(there, given, by)
    for number, file, caption, replaces in _sent(there, given, files):
        _add(item, number, file, done, by=by, key=_key(key, file), caption=caption, replaces=replaces)
    return done


def promises(given: Mapping[str, str], files: MultiValueDict[str, UploadedFile[Any]], key: str) -> list[Promise]:
    """What the form of a new item, by its `key`, brings along: the item waits for them from its first moment."""
    sent = [(file, caption) for _, file, caption, _ in _sent([], given, files) if file.size and key]
    return [
        Promise(_key(key, file), file.size or 0, _digest(file).hexdigest(), str(file.name), caption)
        for file, caption in sent
    ]


def attach_promised(
    item: WorkItem, given: Mapping[str, str], files: MultiValueDict[str, UploadedFile[Any]], *, by: Any, key: str
) -> Attached:
    """Store the photos of the form that made `item`, which were promised with it, whoever works on it by now."""
    done = Attached()
    for number, file, caption, _ in _sent([], given, files):
        own = _key(key, file)
        promised = Upload.objects.open().filter(work_item=item, key=own, created_by=by).first() if own else None
        if promised is None and photos.find(item, own):
            done.stored += 1  # by the same form, which came before
            continue
        try:
            _add(item, number, file, done, by=by, key=own, caption=caption, promised=promised)
        except PermissionDenied as refusal:
            done.refused.append(_refused(number, file, refusal))
    return done


def _add(item: WorkItem, number: int, file: UploadedFile[Any], done: Attached, **said: Any) -> None:
    """Store the form's photo `number`, or say in `done` why not; nobody then waits for it. Raises PermissionDenied."""
    try:
        photos.add(item, file, name=str(file.name), **said)
        done.stored += 1
    except (*photos.REFUSALS, photos.NoSpace, ValidationError) as refusal:
        done.refused.append(_refused(number, file, refusal))
        if promised := said.get("promised"):
            give_up(promised, str(refusal), by=None)


def _refused(number: int, file: UploadedFile[Any], refusal: Exception) -> str:
    why = " ".join(refusal.messages) if isinstance(refusal, ValidationError) else str(refusal)
    return f"Photo {number} ({str(file.name)[:LONGEST_NAME]}) was not stored. {why}"


def _sent(
    there: list[Photo], given: Mapping[str, str], files: MultiValueDict[str, UploadedFile[Any]]
) -> Iterator[tuple[int, UploadedFile[Any], str, Photo | None]]:
    """The files that came: which photo of the form it is, the file, its caption, and the photo it is a retake of."""
    for number, photo in enumerate(there, 1):
        if file := files.get(f"retake-{photo.pk}"):
            yield number, file, "", photo  # under the caption of the old one
    for number in range(1, settings.MAX_PHOTOS + 1):
        for file in files.getlist(f"photo-{number}"):
            yield len(there) + number, file, given.get(f"caption-{number}", ""), None


def _recaption(there: list[Photo], given: Mapping[str, str], done: Attached, by: Any) -> None:
    for number, photo in enumerate(there, 1):
        shown = given.get(f"caption-was-{photo.pk}", photo.caption)
        caption = given.get(f"caption-of-{photo.pk}", shown)
        try:
            if caption != shown:
                photos.set_caption(photo, caption, by=by)
        except ValidationError as refusal:
            done.refused.append(f"The caption of photo {number} was not stored. {' '.join(refusal.messages)}")


def _reorder(there: list[Photo], given: Mapping[str, str], by: Any) -> None:
    """Put the photos where the form says; one that moved to a place comes before or after the one that is there."""
    order = []
    for present, photo in enumerate(there, 1):
        wanted = given.get(f"place-{photo.pk}", "")
        place = present if wanted == given.get(f"place-was-{photo.pk}") else _place(wanted, present)
        order.append((place, (place > present) - (place < present), present, photo))
    ordered = [photo for *_, photo in sorted(order, key=lambda each: each[:3])]
    if ordered != there:
        for place, photo in enumerate(ordered, 1):
            photos.move(photo, place, by=by)


def _place(raw: str, present: int) -> int:
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 4 else present


def _key(form: str, file: UploadedFile[Any]) -> str:
    """The photo's own name on the form `form`; empty where the form has none."""
    if not form:
        return ""
    content = _digest(file).hexdigest()  # phones call every picture image.jpg: it alone tells one from the other
    return hashlib.sha256(f"{form}/{content}".encode()).hexdigest()


def _digest(file: UploadedFile[Any]) -> Any:
    file.seek(0)
    return hashlib.file_digest(file, "sha256")
