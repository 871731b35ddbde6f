"""Photos that were received become ready: claimed with a lease, rendered, stored; or refused, with the reason.

The row says what is to do, so a killed worker loses nothing: its lease runs out and another one begins anew.
"""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from perf import clock
from perf.cache import forget
from perf.events import happened
from workitems import images
from workitems.cache import families_of
from workitems.images import DecoderDied, NotAPhoto, Rendered
from workitems.models import Photo

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=3)  # a photo takes a second, and a stuck decoder is ended after one minute
TRIES_MAX = 5  # decoders or workers that a photo may take with it
FIRST_RETRY, LONGEST_RETRY = 5, 3_600  # seconds; doubled with each try
LOOKED_AT = 20  # rows that one claim looks at: several workers try the same ones
YEARS = range(1900, 3000)  # in which a camera's clock may be

RENDITION = re.compile(r"renditions/([0-9a-f]{2})/(\d+)-\1[0-9a-f]{30}(?:_thumb)?\.jpg")
"""What we call the files we make: by the photo's number. Others (made-up data share theirs) are never removed."""

GONE = "The file of this photo is missing on the server. Add the photo again."
KILLING = f"Reading this picture failed {TRIES_MAX} times. Save it anew, or take a screenshot of it, and send that."


def process(limit: int) -> int:
    """Make the renditions of up to `limit` photos that wait, the oldest first; how many had their turn."""
    for done in range(limit):
        photo = claim()
        if photo is None:
            return done
        _process(photo)
    return limit


def claim() -> Photo | None:
    """The next photo, ours for LEASE; None when none waits. Of several who ask at once, each gets another."""
    free = Q(leased_until=None) | Q(leased_until__lte=clock.db_now())
    for photo in Photo.objects.waiting().filter(free).select_related("work_item")[:LOOKED_AT]:
        with transaction.atomic():
            mine = Photo.objects.waiting().filter(free, pk=photo.pk, tries=photo.tries)
            lease = {"tries": F("tries") + 1, "leased_until": clock.db_now(LEASE)}
            if not mine.update(state=Photo.State.PROCESSING, **lease):
                continue
            forget(*families_of(photo.work_item_id))
        died, photo.tries = photo.state == Photo.State.PROCESSING, photo.tries + 1
        if died and photo.tries > TRIES_MAX:
            _refuse(photo, KILLING)
            continue
        return photo
    return None


def rebuild(photos: QuerySet[Photo]) -> int:
    """Have the renditions of `photos` made anew; the old ones are shown until then. How many."""
    changed = 0
    with transaction.atomic():
        for pk, item in list(photos.order_by("pk").values_list("pk", "work_item_id")):
            waits = {"state": Photo.State.RECEIVED, "fault": "", "tries": 0, "leased_until": None}
            changed += Photo.objects.filter(pk=pk).update(**waits)
            forget(*families_of(item))
    return changed


def _process(photo: Photo) -> None:
    try:
        with _on_disk(photo) as path:
            made = images.render(path)
    except FileNotFoundError:
        log.error("the original of photo %s is missing: %s", photo.pk, photo.original.name)
        _refuse(photo, GONE)
    except OSError as away:
        log.error("photo %s, try %s: its original cannot be read: %s", photo.pk, photo.tries, away)
        _put_off(photo)
    except NotAPhoto as refused:
        _refuse(photo, str(refused))
    except DecoderDied as died:
        log.warning("photo %s, try %s: %s", photo.pk, photo.tries, died)
        if photo.tries >= TRIES_MAX:
            _refuse(photo, KILLING)
        else:
            _put_off(photo)
    else:
        _store(photo, made)


@contextmanager
def _on_disk(photo: Photo) -> Iterator[Path]:
    """The original as a file of this machine: copied here if it lies elsewhere. Raises FileNotFoundError."""
    try:
        path = Path(photo.original.path)
    except NotImplementedError:
        with tempfile.NamedTemporaryFile() as copy, photo.original.open("rb") as original:
            shutil.copyfileobj(original, copy)
            copy.flush()
            yield Path(copy.name)
        return
    path.stat()
    yield path


def _store(photo: Photo, made: Rendered) -> None:
    """Put the renditions beside each other in the storage and into the row: both or neither."""
    storage, before = photo.rendition.storage, [photo.rendition.name, photo.thumbnail_path]
    token, stored = uuid4().hex, list[str]()
    stem = f"renditions/{token[:2]}/{photo.pk}-{token}"  # the janitor finds the row by its number
    if not made.thumbnail:
        log.warning("photo %s has no thumbnail; its picture stands in", photo.pk)
    try:
        for ending, content in ((".jpg", made.picture), ("_thumb.jpg", made.thumbnail)):
            if content:
                stored.append(f"{stem}{ending}")  # before: a full disk may have taken a part of it
                storage.save(stored[-1], ContentFile(content))
    except OSError as full:
        log.error("photo %s, try %s: its renditions cannot be stored: %s", photo.pk, photo.tries, full)
        unwanted, won = stored, _put_off(photo)
    else:
        paths = {"rendition": stored[0], "thumbnail_path": "".join(stored[1:])}
        won = _close(photo, state=Photo.State.READY, fault="", **paths, **_facts(made))
        unwanted = [name for name in before if name and RENDITION.fullmatch(name)] if won else stored
    for name in unwanted:
        storage.delete(name)


def _facts(made: Rendered) -> dict[str, Any]:
    return {
        "width": made.width,
        "height": made.height,
        "placeholder": made.placeholder,
        "taken_at": _instant(made.taken),
        "latitude": made.latitude,
        "longitude": made.longitude,
    }


def _instant(taken: str) -> datetime | None:
    """When the shutter opened; a camera that knew no zone was where we are. None for what is no date."""
    try:
        at = datetime.fromisoformat(taken)
    except ValueError:
        return None
    if at.year not in YEARS:
        return None
    return at if timezone.is_aware(at) else timezone.make_aware(at)


def _refuse(photo: Photo, fault: str) -> None:
    """Keep the original and say why nothing is shown of it."""
    log.warning("photo %s is refused: %s", photo.pk, fault)
    with transaction.atomic():
        if _close(photo, state=Photo.State.REFUSED, fault=fault[:200]):
            told = {"photo": photo.pk, "fault": fault}
            happened(None, "workitems.photo_refused", photo.work_item.number, told)


def _put_off(photo: Photo) -> bool:
    """Let it be tried again, later each time; it was not the photo's fault, or may not have been."""
    seconds = min(FIRST_RETRY * 2**photo.tries, LONGEST_RETRY)
    return _close(photo, state=Photo.State.RECEIVED, leased_until=clock.db_now(timedelta(seconds=seconds)))


def _close(photo: Photo, **values: Any) -> bool:
    """Write how a turn ended; False when it is not ours any more, or the photo is gone."""
    with transaction.atomic():
        # An erasure stores another original and counts tries anew: what was read of the old one is not to come back.
        mine = Photo.objects.filter(pk=photo.pk, tries=photo.tries, original=photo.original.name)
        won = mine.filter(state=Photo.State.PROCESSING).update(**{"leased_until": None} | values)
        forget(*families_of(photo.work_item_id))
    return bool(won)
