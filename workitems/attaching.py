"""The photos in the crew's form: new ones, retakes, captions, order and removals, as one request brings them."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.http import HttpRequest

from workitems import photos
from workitems.models import Photo, WorkItem
from workitems.receiving import KEY, Taken, process_soon, take


def attach(request: HttpRequest, item: WorkItem) -> Taken:
    """Do to the photos of `item` what the posted form says; every good photo is stored, whatever the others are.

    `remove-<id>`, `caption-of-<id>`, `place-<id>` and `retake-<id>` change those that are there; new ones as
    receiving.take has them. The same form twice stores each photo once. Raises PermissionDenied.
    """
    given, by, changed = request.POST, request.user, Taken()
    there = list(item.photos.present().in_order())
    for photo in [each for each in there if given.get(f"remove-{each.pk}")]:
        photos.remove(photo, by=by)
        there.remove(photo)
    _reorder(there, given, by)
    for number, photo in enumerate(there, 1):
        _recaption(photo, number, given, by, changed)
        _retake(photo, number, request, changed)
    done = take(request, item)
    done.stored, done.refused = changed.stored + done.stored, changed.refused + done.refused
    if done.stored:
        process_soon()
    return done


def _recaption(photo: Photo, number: int, given: Mapping[str, str], by: object, done: Taken) -> None:
    caption = given.get(f"caption-of-{photo.pk}", photo.caption)
    try:
        if caption != photo.caption:
            photos.set_caption(photo, caption, by=by)
    except ValidationError as refused:
        done.refused.append(f"The caption of photo {number} was not stored: {' '.join(refused.messages)}")


def _retake(photo: Photo, number: int, request: HttpRequest, done: Taken) -> None:
    if not (file := request.FILES.get(f"retake-{photo.pk}")):
        return
    form = photos.one_line(request.POST.get(KEY, ""))[:40]
    key = f"{form}.retake-{photo.pk}" if form else ""
    try:
        done.stored.append(photos.add(photo.work_item, file, by=request.user, key=key, replaces=photo))
    except photos.REFUSALS as refused:
        done.refused.append(f"The retake of photo {number} was not stored: {refused}")


def _reorder(there: list[Photo], given: Mapping[str, str], by: object) -> None:
    """Put the photos where the form says; one that moved to a place comes before or after the one that is there."""
    order = []
    for present, photo in enumerate(there, 1):
        place = _place(given.get(f"place-{photo.pk}", ""), present)
        order.append((place, (place > present) - (place < present), present, photo))
    wanted = [photo for *_, photo in sorted(order, key=lambda each: each[:3])]
    if wanted != there:
        for place, photo in enumerate(wanted, 1):
            photos.move(photo, place, by=by)


def _place(raw: str, present: int) -> int:
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 4 else present
