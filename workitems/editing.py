"""Changing an item's words and people: against the version that was seen, with who changed what kept for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F

from perf.cache import forget
from perf.clock import now
from perf.events import happened
from workitems import numbers
from workitems.cache import families_of
from workitems.models import IN_BIN, Notice, Revision, WorkItem
from workitems.models.notices import Event
from workitems.workflow import WITH_CREW, Status, move, name_of

CREW_FIELDS = ("equipment", "description", "detail", "ofm")
REVIEWER_FIELDS = ("number", "location", *CREW_FIELDS)
NOTES = "internal_notes"
LABELS = {
    "number": "number",
    "location": "location",
    "equipment": "equipment",
    "description": "description",
    "detail": "detail",
    "ofm": "operator furnished material",
    "assigned_to": "assigned to",
    "status": "status",
    NOTES: "internal notes",
    IN_BIN: "in the bin",
}
"""Fields as sentences name them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that somebody changed since a version: what, from what to what, who and when."""

    field: str
    label: str
    before: str
    after: str
    by: str
    at: datetime


class Conflict(Exception):
    """Someone else changed the item first. `current` is the item as it is; nothing of ours was stored."""

    def __init__(self, current: WorkItem) -> None:
        super().__init__(f"Someone else changed {current.number} meanwhile. Nothing of yours was stored yet.")
        self.current = current


def fields_of(item: WorkItem, user: Any) -> tuple[str, ...]:
    """The fields that `user` may change now; none where they may not edit the item."""
    if not item.may_edit(user):
        return ()
    if not user.has_perm("workitems.review_workitem"):
        return CREW_FIELDS
    return (*REVIEWER_FIELDS, NOTES) if user.has_perm("workitems.read_internal_notes") else REVIEWER_FIELDS


def edit(item: WorkItem, given: Mapping[str, str], *, by: Any, version: int) -> WorkItem:
    """Store the `given` fields of `item`, as seen at `version`, and write one Revision of what differs.

    Raises PermissionDenied; ValidationError with a message per field; numbers.NumberTaken; Conflict.
    Nothing different stores nothing and raises nothing, whatever the version. What `by` may not read is no conflict.
    """
    _edit(item, given, by=by, version=version)
    return item


def assign(item: WorkItem, to: Any, *, by: Any, version: int, name: str = "") -> WorkItem:
    """Give `item`, as seen at `version`, to a person, or to nobody (None); who has it already keeps it untold.

    `name` is of somebody without an account, where it goes back to them. Raises PermissionDenied; ValidationError for
    someone who could not work on it; Conflict.
    """
    if not by.has_perm("workitems.assign_workitem"):
        raise PermissionDenied(f"You may not assign {item.number}.")
    values = {"assigned_to": to, "assigned_to_name": name_of(to) if to else name}
    if WorkItem.objects.present().filter(pk=item.pk, **values).exists():
        item.refresh_from_db()
        return item
    if to is not None and not (to.is_active and to.has_perm("workitems.change_workitem")):
        raise ValidationError({"assigned_to": f"{name_of(to)} cannot work on items."})
    told = {"assigned_to": [item.assigned_to_name, values["assigned_to_name"]]}
    with transaction.atomic():
        assigned = _store(item, values, told, by=by, version=version)
        Notice.objects.tell(assigned, Event.ASSIGNED, by=by)
    return assigned


def send_again(item: WorkItem, given: Mapping[str, str], *, by: Any, version: int) -> WorkItem:
    """Store the crew's changes and, where the item was sent back, submit it again: both or neither.

    Raises what `edit` and `workflow.move` raise.
    """
    with transaction.atomic():
        seen = _edit(item, given, by=by, version=version)
        if item.status in WITH_CREW:
            move(item, Status.SUBMITTED, by=by, version=seen)
    return item


def differences(item: WorkItem, since: int, user: Any) -> list[Difference]:
    """What was changed of `item` after its version `since`, oldest first, as far as `user` may read it. Two queries."""
    found = [
        Difference(name, LABELS[name], before, after, row.changed_by_name, row.changed_at)
        for row in item.revisions.filter(version__gt=since)
        for name, (before, after) in row.changes.items()
        if name != NOTES or user.has_perm("workitems.read_internal_notes")
    ]
    found += [
        Difference(
            "status",
            LABELS["status"],
            Status(row.old_status).label if row.old_status else "",
            Status(row.new_status).label,
            row.changed_by_name,
            row.changed_at,
        )
        for row in item.status_changes.filter(version__gt=since)
    ]
    return sorted(found, key=lambda each: each.at)


def words_at(item: WorkItem, version: int) -> dict[str, str]:
    """The words of `item` as they were at `version`, by field. One query."""
    words = {name: getattr(item, name) for name in REVIEWER_FIELDS}
    later = item.revisions.filter(version__gt=version).order_by("-version")
    for changes in later.values_list("changes", flat=True):
        words |= {name: before for name, (before, _) in changes.items() if name in words}
    return words


def _is_hidden(item: WorkItem, since: int, user: Any) -> bool:
    """Whether `item` has changed since its version `since`, and only in words that `user` may not read."""
    if item.version <= since:
        return False
    changes = item.revisions.filter(version__gt=since).count()  # one a version, where there was no step between
    return changes == item.version - since and not differences(item, since, user)


def _edit(item: WorkItem, given: Mapping[str, str], *, by: Any, version: int) -> int:
    """As `edit`; the version that `by` has seen then: the stored one, or `version` where nothing differed."""
    allowed = fields_of(item, by)
    if not allowed or given.keys() - set(allowed):
        raise PermissionDenied(f"You may not change that of {item.number}.")
    current = WorkItem.objects.get(pk=item.pk)
    if current.deleted_at:
        raise Conflict(current)
    changed = {name: value for name, value in given.items() if value != getattr(current, name)}
    if not changed:
        item.refresh_from_db()
        return current.version if _is_hidden(current, version, by) else version
    _check(current, changed)
    values: dict[str, Any] = dict(changed)
    if NOTES in changed:
        values["internal_notes_at"] = now()
    told = {name: [getattr(current, name), value] for name, value in changed.items()}
    try:
        return _store(item, values, told, by=by, version=version).version
    except Conflict as lost:
        if not _is_hidden(lost.current, version, by):
            raise
        return _edit(item, given, by=by, version=lost.current.version)


def _check(item: WorkItem, changed: Mapping[str, str]) -> None:
    errors: dict[str, Any] = {}
    for name, value in changed.items():
        try:
            WorkItem._meta.get_field(name).clean(value, item)  # type: ignore[union-attr]  # columns all
        except ValidationError as refused:
            errors[name] = refused
    if errors:
        raise ValidationError(errors)


def _store(item: WorkItem, values: Mapping[str, Any], told: Mapping[str, Any], *, by: Any, version: int) -> WorkItem:
    at = now()
    stamp = {"last_modified_by": by, "last_modified_by_name": name_of(by), "modified_at": at}
    rows = WorkItem.objects.filter(pk=item.pk, version=version, deleted_at=None, status=item.status)
    with transaction.atomic():
        try:
            with transaction.atomic():
                stored = rows.update(version=F("version") + 1, **values, **stamp)
        except IntegrityError:
            raise numbers.NumberTaken(WorkItem.objects.get(number=values["number"])) from None
        if not stored:
            raise Conflict(WorkItem.objects.get(pk=item.pk))
        Revision.objects.create(
            work_item=item, version=version + 1, changes=dict(told), changed_by=by, changed_by_name=name_of(by)
        )
        forget(*families_of(item.pk))
        happened(by, "workitems.edit", item.number, {"fields": sorted(told), "version": version + 1})
    item.refresh_from_db()
    return item
