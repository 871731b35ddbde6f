"""The states of a work item, who may move it from one to the next, and the one function that does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import F

from perf.cache import forget
from perf.clock import now
from perf.events import happened
from workitems.cache import families_of

if TYPE_CHECKING:
    from workitems.models import StatusChange, WorkItem


class Status(models.TextChoices):
    """Where an item stands. The label of an item in review names its reviewer: see WorkItem.status_label."""

    SUBMITTED = "submitted", "Submitted"
    IN_REVIEW = "in_review", "In Review"
    NEEDS_REVISION = "needs_revision", "Needs Revision"
    AWAITING_PHOTOS = "awaiting_photos", "Awaiting Photos"
    COMPLETED_REVIEW = "completed_review", "Completed Review"


WITH_CREW = frozenset({Status.NEEDS_REVISION, Status.AWAITING_PHOTOS})
"""Sent back: the crew has something to do."""

OPEN = WITH_CREW | {Status.SUBMITTED}
"""The crew may edit."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may take a step: holders of `permission` or, with `own`, who may edit the item. Some steps want a reason."""

    permission: str
    own: bool = False
    needs_reason: bool = False


REVIEW, REOPEN, CHANGE = "workitems.review_workitem", "workitems.reopen_workitem", "workitems.change_workitem"
RULES: Mapping[tuple[str, str], Rule] = {
    (Status.SUBMITTED, Status.IN_REVIEW): Rule(REVIEW),
    (Status.IN_REVIEW, Status.IN_REVIEW): Rule(REVIEW),  # a hand-over to another reviewer
    (Status.IN_REVIEW, Status.NEEDS_REVISION): Rule(REVIEW, needs_reason=True),
    (Status.IN_REVIEW, Status.AWAITING_PHOTOS): Rule(REVIEW, needs_reason=True),
    (Status.IN_REVIEW, Status.COMPLETED_REVIEW): Rule(REVIEW),
    (Status.NEEDS_REVISION, Status.SUBMITTED): Rule(CHANGE, own=True),
    (Status.AWAITING_PHOTOS, Status.SUBMITTED): Rule(CHANGE, own=True),
    (Status.COMPLETED_REVIEW, Status.SUBMITTED): Rule(REOPEN, needs_reason=True),
}


class TransitionRefused(Exception):
    """The step was not taken; `current` is the item as it is now, for whoever has to look again."""

    def __init__(self, message: str, current: WorkItem) -> None:
        super().__init__(message)
        self.current = current


def next_states(item: WorkItem, user: Any) -> list[Status]:
    """The states that `user` may move `item` to now, in the order of Status."""
    return [status for status in Status if (rule := RULES.get((item.status, status))) and _may(rule, item, user)]


def submit(item: WorkItem, by: Any) -> WorkItem:
    """Store a new item of `by` under its number and write its first history row.

    Raises workitems.numbers.NumberTaken when another item has the number that was typed.
    """
    with transaction.atomic():
        item.status, item.submitter, item.last_modified_by = Status.SUBMITTED, by, by
        item.submitter_name = item.last_modified_by_name = name_of(by)
        if item.assigned_to is None:
            item.assigned_to, item.assigned_to_name = by, item.submitter_name
        item.save()
        _count({}, {item.status: 1})
        _write_history(item, "", by, "")
    return item


def move(item: WorkItem, to: str, *, by: Any, version: int, reason: str = "", reviewer: Any = None) -> StatusChange:
    """Take `item`, as seen at `version`, to the state `to` and write one history row.

    Into review, `reviewer` (or else `by`) becomes the reviewer; a reason sent back with stays on the item until
    it is submitted again. Raises PermissionDenied; TransitionRefused for a step there is no rule for, a missing
    reason, or an item that someone else changed first: of several who try at once, exactly one succeeds.
    """
    reason = storable(reason)
    rule = RULES.get((item.status, to))
    if rule is None:
        raise TransitionRefused(f"An item that is {item.status_label} cannot become {Status(to).label}.", item)
    if not _may(rule, item, by):
        raise PermissionDenied(f"You may not make {item.number} {Status(to).label}.")
    if rule.needs_reason and not reason:
        raise TransitionRefused("Give a reason.", item)
    if to == Status.COMPLETED_REVIEW and item.photos_due:
        raise TransitionRefused(_waits_for(item.photos_due), item)
    reviewer = (reviewer or by) if to == Status.IN_REVIEW else None
    if reviewer and item.status == Status.IN_REVIEW and reviewer.pk == item.reviewer_id:
        raise TransitionRefused(f"{item.number} is with {item.reviewer_name} already.", item)
    return _compare_and_set(item, to, by=by, version=version, reason=reason, reviewer=reviewer)


@dataclass(frozen=True, slots=True)
class Before:
    """What a step replaces of an item, to be put back by whoever takes the step back."""

    status: str
    reviewer_id: int | None
    reviewer_name: str
    revision_notes: str

    @classmethod
    def of(cls, item: WorkItem) -> Self:
        """What `item` is now."""
        return cls(item.status, item.reviewer_id, item.reviewer_name, item.revision_notes)


def take_back(item: WorkItem, before: Before, *, by: Any, version: int) -> StatusChange:
    """Put `item`, as seen at `version`, back to what it was `before` a step, and write one history row of that.

    Raises PermissionDenied; TransitionRefused for an item that someone changed since.
    """
    if not by.has_perm(REVIEW):
        raise PermissionDenied(f"You may not take back what was decided about {item.number}.")
    return _store(item, before.status, asdict(before), by=by, version=version, reason="Taken back.", is_undo=True)


def _compare_and_set(item: WorkItem, to: str, *, by: Any, version: int, reason: str, reviewer: Any) -> StatusChange:
    values: dict[str, Any] = {}
    if to == Status.IN_REVIEW:
        values |= {"reviewer": reviewer, "reviewer_name": name_of(reviewer)}
    if to in WITH_CREW or to == Status.SUBMITTED:
        values["revision_notes"] = reason if to in WITH_CREW else ""
    return _store(item, to, values, by=by, version=version, reason=reason)


def _store(
    item: WorkItem, to: str, values: Mapping[str, Any], *, by: Any, version: int, reason: str, is_undo: bool = False
) -> StatusChange:
    old, rows = item.status, type(item).objects
    stamp = {"last_modified_by": by, "last_modified_by_name": name_of(by), "modified_at": now()}
    with transaction.atomic():
        expected = rows.filter(pk=item.pk, status=old, version=version, deleted_at=None)
        if not expected.update(**{"version": F("version") + 1, **values, **stamp, "status": to}):
            raise TransitionRefused("Someone else changed this item meanwhile.", rows.get(pk=item.pk))
        item.refresh_from_db()
        _count({old: 1}, {to: 1})
        change = _write_history(item, old, by, reason, is_undo=is_undo)
        if to == Status.COMPLETED_REVIEW:
            apps.get_model("workitems", "Document").objects.promise(item)
        happened(by, "workitems.status", item.number, {"from": old, "to": to})
    return change


def _waits_for(number: int) -> str:
    photos, them = ("1 promised photo is", "it") if number == 1 else (f"{number} promised photos are", "them")
    return f"{photos} still on the way. Wait, or stop waiting for {them}."


def _may(rule: Rule, item: WorkItem, user: Any) -> bool:
    allowed: bool = user.has_perm(rule.permission)
    return allowed and (not rule.own or item.may_edit(user))


def _write_history(item: WorkItem, old: str, by: Any, reason: str, *, is_undo: bool = False) -> StatusChange:
    forget(*families_of(item.pk))
    change: StatusChange = item.status_changes.create(
        old_status=old,
        new_status=item.status,
        changed_by=by,
        changed_by_name=name_of(by),
        reviewer_name=item.reviewer_name if item.status == Status.IN_REVIEW else "",
        reason=reason,
        version=item.version,
    )
    notices = apps.get_model("workitems", "Notice").objects  # models import this module for its states
    notices.of_step(item, change, is_undo=is_undo)
    return change


def _count(gone: Mapping[str, int], come: Mapping[str, int]) -> None:
    totals = apps.get_model("workitems", "StatusTotal")  # models import this module for its states
    totals.objects.shift(gone, come)


def storable(text: str) -> str:
    """What somebody wrote, without blanks around it and without the NULs that PostgreSQL does not store."""
    return text.replace("\x00", "").strip()


def name_of(user: Any) -> str:
    """A person's name as it is copied onto what they write."""
    return (user.get_full_name() or user.get_username())[:100] if user else ""
