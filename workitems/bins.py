"""The bin: items deleted softly, restored, and deleted for good by whoever typed their number."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count

from perf.cache import forget
from perf.events import happened
from workitems.cache import families_of
from workitems.editing import Conflict
from workitems.models import Comment, Photo, Revision, StatusChange, WorkItem

DELETE = "workitems.delete_workitem"


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes with an item for good, removed photos included."""

    photos: int
    comments: int
    history: int

    def __str__(self) -> str:
        parts = [(self.photos, "photo"), (self.comments, "comment"), (self.history, "line")]
        photos, comments, lines = (f"{n:,} {word}" if n == 1 else f"{n:,} {word}s" for n, word in parts)
        return f"{photos}, {comments} and {lines} of history"


def contents_of(ids: Collection[int]) -> dict[int, Contents]:
    """What the items with these ids have now, by id; four queries."""
    photos, comments, steps, revisions = (
        dict(model.objects.filter(work_item__in=ids).values_list("work_item").annotate(n=Count("pk")).order_by())
        for model in (Photo, Comment, StatusChange, Revision)
    )
    return {pk: Contents(photos.get(pk, 0), comments.get(pk, 0), steps.get(pk, 0) + revisions.get(pk, 0)) for pk in ids}


def put_in(item: WorkItem, *, by: Any, version: int) -> None:
    """Delete `item`, as seen at `version`, softly. Raises PermissionDenied; Conflict."""
    _check(item, by)
    if not WorkItem.objects.filter(pk=item.pk, version=version).move_to_bin(by):
        raise Conflict(WorkItem.objects.get(pk=item.pk))


def take_out(item: WorkItem, *, by: Any) -> bool:
    """Restore `item`; whether it was in the bin. Raises PermissionDenied."""
    _check(item, by)
    return bool(WorkItem.objects.filter(pk=item.pk).restore(by))


def destroy(item: WorkItem, *, typed: str, counted: str, by: Any) -> Contents:
    """Delete an item in the bin for good, with all it has; what went. The janitor removes its files.

    `typed` must be its number and `counted` what its Contents said: nothing goes that was not shown.
    Raises PermissionDenied; ValidationError; Conflict when it has other contents by now or is out of the bin.
    """
    _check(item, by)
    if typed.strip() != item.number:
        raise ValidationError({"typed": f"Type {item.number} to delete it for good. Nothing was deleted."})
    with transaction.atomic():
        locked = WorkItem.objects.select_for_update().exclude(deleted_at=None).filter(pk=item.pk).first()
        contents = contents_of([item.pk])[item.pk]
        if locked is None or str(contents) != counted:
            raise Conflict(item)
        forget(*families_of(locked.pk))
        happened(by, "workitems.destroy", locked.number, {"id": locked.pk, "gone": str(contents)})
        locked.delete()
    return contents


def _check(item: WorkItem, by: Any) -> None:
    if not by.has_perm(DELETE):
        raise PermissionDenied(f"You may not delete {item.number}.")
