"""Zips of many Word files: asked for, written by a worker beside their place, and moved there when whole."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from perf import clock, room
from perf.events import happened
from workitems import documents
from workitems.models import Bundle, Photo, WorkItem
from workitems.models.files import LEASE

MOST = 500  # items of one bundle
REVIEW = "workitems.review_workitem"
LEFT_OUT = "NOT IN THIS FILE.txt"
STRAY = timedelta(hours=1)  # a file without a row is left alone for so long: its row may not be committed yet
NOT_ALLOWED = "You may no longer have Word files of work items. Nothing was kept of the file."


def ask(numbers: Sequence[str], by: Any) -> Bundle:
    """Promise a zip of the items of these `numbers`, in their order, each once. Audited.

    Raises ValidationError for none, for too many, and for numbers that `by` sees no item of.
    """
    wanted = list(dict.fromkeys(number.strip() for number in numbers if number.strip()))
    if not wanted:
        raise ValidationError("Choose at least one item.")
    if len(wanted) > MOST:
        raise ValidationError(f"A file holds at most {MOST} items; you chose {len(wanted):,}.")
    there = set(WorkItem.objects.visible_to(by).filter(number__in=wanted).values_list("number", flat=True))
    if unknown := [number for number in wanted if number not in there]:
        shown = ", ".join(number[:50] for number in unknown[:10])
        raise ValidationError(f"There is no work item {shown}{' …' if len(unknown) > 10 else ''}.")
    with transaction.atomic():
        bundle = Bundle.objects.create(owner=by, numbers=wanted)
        happened(by, "workitems.bundle", f"{len(wanted)} items", {"numbers": wanted})
    return bundle


def write_next() -> bool:
    """Write the bundle that waits longest, whole; whether there was one. A killed worker's begins anew."""
    bundle = Bundle.objects.claim()
    if bundle is None:
        return False
    part = path_of(bundle).with_suffix(f".{bundle.tries}.part")
    try:
        _write(bundle, part)
    finally:
        part.unlink(missing_ok=True)
    return True


def _write(bundle: Bundle, part: Path) -> None:
    over = {"ended_at": clock.db_now(), "leased_until": None}
    if not (bundle.owner.is_active and bundle.owner.has_perm(REVIEW)):
        bundle.change(state=Bundle.State.FAILED, error=NOT_ALLOWED, **over)
        return
    try:
        if not _fill(bundle, part):
            return  # cancelled, or another worker's turn
        size = part.stat().st_size
        part.replace(path_of(bundle))
    except OSError as error:
        why = f"The server's disk is {full}" if (full := room.refusal(error)) else f"Writing failed: {error.strerror}"
        fault = f"{why}. Nothing was kept of the file; tell an administrator."
        bundle.change(state=Bundle.State.FAILED, error=fault, **over)
        return
    if not bundle.change(state=Bundle.State.DONE, size=size, **over) and not _is_wanted(bundle):
        remove(bundle)


def _fill(bundle: Bundle, part: Path) -> bool:
    """Write every item's file into the zip, and the list of what is missing; False when the turn was lost."""
    left_out: list[list[str]] = []
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as file:  # Word files are compressed already
        for done, number in enumerate(bundle.numbers, 1):
            left_out += _put(file, number, bundle.owner)
            if not bundle.change(done=done, left_out=left_out, leased_until=clock.db_now(LEASE)):
                return False
        if left_out:
            lines = [f"{number}: {why}\r\n" for number, why in left_out]
            file.writestr(LEFT_OUT, "".join(["\ufeff", *lines]))  # with a mark, so that every editor reads it as UTF-8
    return True


def _put(file: zipfile.ZipFile, number: str, owner: Any) -> list[list[str]]:
    """Put the file of one item into the zip; what is not in it, as number and sentence."""
    item = WorkItem.objects.visible_to(owner).filter(number=number).first()
    if item is None:
        return [[number, "The item is gone: it was deleted or renumbered meanwhile."]]
    into = BytesIO()
    try:
        left_out = documents.write(item, Photo.objects.present().in_order().filter(work_item=item), into)
    except OSError as error:
        return [[number, f"Its photos could not be read ({error.strerror or error}). Ask for it again later."]]
    file.writestr(documents.file_name(item), into.getvalue())
    return [[number, f"Photo {photo.number} is not in its Word file: {photo.why}."] for photo in left_out]


def take_back(bundle: Bundle, by: Any) -> None:
    """Cancel a bundle, or delete its file. Audited."""
    with transaction.atomic():
        happened(by, "workitems.bundle_removed", bundle.file_name, {"id": bundle.pk})
        bundle.delete()


def expire() -> int:
    """Remove the files that were kept long enough, and strays; how many bundles are marked removed by it."""
    gone = 0
    for bundle in Bundle.objects.outdated():
        gone += Bundle.objects.filter(pk=bundle.pk, state=Bundle.State.DONE).update(state=Bundle.State.EXPIRED)
        remove(bundle)
    known = {str(name) for name in Bundle.objects.exclude(state=Bundle.State.EXPIRED).values_list("file", flat=True)}
    before = clock.surely_over(STRAY).timestamp()
    for path in _folder().iterdir():
        if path.name.partition(".")[0] not in known and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
    return gone


def remove(bundle: Bundle) -> None:
    """Remove the file, if there is one."""
    path_of(bundle).unlink(missing_ok=True)


@receiver(post_delete, sender=Bundle)
def _forget_file(instance: Bundle, **_: Any) -> None:
    transaction.on_commit(lambda: remove(instance), robust=True)


def _is_wanted(bundle: Bundle) -> bool:
    return Bundle.objects.filter(pk=bundle.pk).exclude(state=Bundle.State.EXPIRED).exists()


def path_of(bundle: Bundle) -> Path:
    """Where the whole file lies; it may be gone."""
    return _folder() / f"{bundle.file}.zip"


def _folder() -> Path:
    path = Path(settings.MEDIA_ROOT) / "bundles"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
