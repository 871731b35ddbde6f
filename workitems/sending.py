"""Sending new items in: stored once, however often the form arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from perf.events import happened
from workitems.editing import words_at
from workitems.models import WorkItem
from workitems.numbers import NumberTaken
from workitems.photos import PhotoTooLarge, TooManyPhotos
from workitems.uploads import KeyTaken, Promise, promise
from workitems.workflow import submit


class SentBefore(NumberTaken):
    """The form was stored before, as `existing`, with other words than it has now."""

    def __init__(self, existing: WorkItem) -> None:
        super().__init__(existing)
        self.args = (f"This form was stored as {existing.number} already, with other words.",)


def send(given: Mapping[str, str], *, by: Any, key: str = "", promised: Sequence[Promise] = ()) -> WorkItem:
    """Store a new item of `by`; the one that is there where the form, by its `key`, was stored before.

    `given` are cleaned fields; an empty number becomes the next draft number. The item waits for what is `promised`
    from its first moment; a promise that cannot be kept is refused when the device makes it again.

    Raises NumberTaken where another item has the number, SentBefore where the form was stored with other words.
    """
    if found := _find(by, key):
        return _same(found, given)
    try:
        with transaction.atomic():
            item = submit(WorkItem(key=key, **given), by)
            happened(by, "workitems.submit", item.number, {"id": item.pk})
            for said in promised:
                with suppress(KeyTaken, PhotoTooLarge, TooManyPhotos, ValidationError):
                    promise(item, said, by=by)
    except (IntegrityError, NumberTaken):
        if found := _find(by, key):  # the form arrived twice at once, and the other one was first
            return _same(found, given)
        raise
    return item


def _find(by: Any, key: str) -> WorkItem | None:
    return WorkItem.objects.filter(submitter=by, key=key).first() if key else None


def _same(item: WorkItem, given: Mapping[str, str]) -> WorkItem:
    """The item, where it was stored with these words, whatever became of them since."""
    first = words_at(item, 1)
    if any(first[name] != value for name, value in given.items() if name != "number" or value):
        raise SentBefore(item)
    return item
