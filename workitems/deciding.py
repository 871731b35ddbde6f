"""A reviewer's decision: about one item or many, all it takes in one transaction, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from perf import clock
from perf.cache import forget
from perf.events import happened
from workitems import editing
from workitems.cache import families_of
from workitems.claims import Claimed, refuse_claimed
from workitems.models import Decision, StatusTotal, WorkItem
from workitems.workflow import (
    RULES,
    WITH_CREW,
    Before,
    Status,
    TransitionRefused,
    move,
    name_of,
    storable,
    take_back,
)

AT_ONCE = 50
"""Items one decision takes: a transaction of a few hundred statements, for which others wait."""
UNDO_WITHIN = timedelta(hours=24)
"""How long a decision can be taken back."""
Act = Decision.Act


class UndoRefused(Exception):
    """A decision cannot be taken back; the message is for people."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done: make items complete, send them back with a reason, or give them to someone (None: nobody)."""

    act: str
    reason: str = ""
    assignee: Any = None

    def check(self) -> None:
        """Raise ValidationError where something that this needs is missing."""
        if self.act not in Act.values:
            raise ValidationError("Choose what to do.")
        if self.act in WITH_CREW and not storable(self.reason):
            raise ValidationError({"reason": "Give a reason: the crew reads it first."})


@dataclass(slots=True)
class Outcome:
    """What came of a decision: the items it changed, and by number why others stayed as they were."""

    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    decision: Decision | None = None


def path_of(item: WorkItem, to: str) -> list[str]:
    """The states that `item` goes through to become `to`: a new one is taken into review first. Empty: no way leads."""
    if (item.status, to) in RULES:
        return [to]
    through = Status.IN_REVIEW
    return [through, to] if item.status == Status.SUBMITTED and (through, to) in RULES else []


def decide(item: WorkItem, wanted: Wanted, *, by: Any, version: int) -> Decision:
    """Do what is `wanted` to one item, as seen at `version`.

    Raises PermissionDenied; ValidationError; TransitionRefused or Conflict when someone else was faster, Claimed
    when someone else has it open.
    """
    wanted.check()
    with transaction.atomic():
        locked = _lock([item.pk])
        current = locked.get(item.pk)
        if current is None:
            raise TransitionRefused(f"{item.number} was deleted meanwhile.", WorkItem.objects.get(pk=item.pk))
        return _record(wanted, [_do(current, wanted, by=by, version=version)], by)


def decide_many(versions: Mapping[int, int], wanted: Wanted, *, by: Any) -> Outcome:
    """Do what is `wanted` to the items of `versions` (id → version seen), at most AT_ONCE; each that can be, is.

    Raises PermissionDenied and ValidationError, and then nothing was changed.
    """
    wanted.check()
    if len(versions) > AT_ONCE:
        raise ValidationError(f"Choose at most {AT_ONCE} items at once.")
    outcome, steps = Outcome(), []
    with transaction.atomic():
        locked = _lock(versions)
        gone = WorkItem.objects.filter(pk__in=versions.keys() - locked.keys()).values_list("number", flat=True)
        outcome.refused = dict.fromkeys(gone, "It was deleted meanwhile.")
        for pk, item in locked.items():
            number = item.number
            try:
                steps.append(_do(item, wanted, by=by, version=versions[pk]))
                outcome.done.append(number)
            except (TransitionRefused, editing.Conflict, Claimed) as refused:
                outcome.refused[number] = str(refused)
        if steps:
            outcome.decision = _record(wanted, steps, by)
    return outcome


def undo(decision: Decision, by: Any) -> tuple[int, list[str]]:
    """Take back one's own decision where nobody changed the items since: how many, and the numbers that stay.

    Raises UndoRefused.
    """
    if decision.by_id != by.pk:
        raise PermissionDenied("Only whoever decided may take it back.")
    if decision.at < clock.now() - UNDO_WITHIN:
        raise UndoRefused("This was decided more than a day ago.")
    with transaction.atomic():
        if not Decision.objects.standing().filter(pk=decision.pk).update(undone_at=clock.now()):
            raise UndoRefused("This was taken back already.")
        items = _lock([step["item"] for step in decision.steps])
        kept = [step["number"] for step in decision.steps if not _restore(items.get(step["item"]), step, decision, by)]
        if len(kept) == len(decision.steps):
            raise UndoRefused("Somebody has worked on it since.")
    return len(decision.steps) - len(kept), kept


def _lock(ids: Collection[int]) -> dict[int, WorkItem]:
    """The present items of `ids`, then the totals, each in one order: others who move items wait, never for ever."""
    rows = WorkItem.objects.present().filter(pk__in=list(ids)).order_by("pk").select_for_update()
    locked = {row.pk: row for row in rows}
    list(StatusTotal.objects.order_by("status").select_for_update())
    return locked


def _do(item: WorkItem, wanted: Wanted, *, by: Any, version: int) -> dict[str, Any]:
    """Take the steps, all or none, and say how to take them back."""
    refuse_claimed(item, by)
    with transaction.atomic():
        if wanted.act == Act.ASSIGN:
            before: dict[str, Any] = {"assigned_to": item.assigned_to_id, "assigned_to_name": item.assigned_to_name}
            editing.assign(item, wanted.assignee, by=by, version=version)
        else:
            before = asdict(Before.of(item))
            for state in path_of(item, wanted.act) or [wanted.act]:
                seen = version if item.status == before["status"] else item.version
                move(item, state, by=by, version=seen, reason=wanted.reason if state == wanted.act else "")
    return {"item": item.pk, "number": item.number, "version": item.version, "before": before}


def _record(wanted: Wanted, steps: list[dict[str, Any]], by: Any) -> Decision:
    made = Decision.objects.create(
        act=wanted.act, reason=storable(wanted.reason), steps=steps, by=by, by_name=name_of(by), at=clock.now()
    )
    ids = [step["item"] for step in steps]
    WorkItem.objects.filter(pk__in=ids).update(claimed_by=None, claimed_by_name="", claimed_until=None)
    forget(*(family for pk in ids for family in families_of(pk)))
    happened(by, "workitems.decide", str(made), {"id": made.pk, "numbers": [step["number"] for step in steps]})
    return made


def _restore(item: WorkItem | None, step: Mapping[str, Any], decision: Decision, by: Any) -> bool:
    """Put one item back to what it was; whether it could be."""
    if item is None or item.version != step["version"]:
        return False
    act: Callable[..., Any] = _assign_back if decision.act == Act.ASSIGN else _move_back
    try:
        act(item, step["before"], by=by, version=item.version)
    except (ValidationError, TransitionRefused, editing.Conflict):
        return False
    return True


def _move_back(item: WorkItem, before: Mapping[str, Any], *, by: Any, version: int) -> None:
    person = get_user_model()._default_manager.filter(pk=before["reviewer_id"]).first()
    was = Before(**{**before, "reviewer_id": person.pk if person else None})
    take_back(item, was, by=by, version=version)


def _assign_back(item: WorkItem, before: Mapping[str, Any], *, by: Any, version: int) -> None:
    to = get_user_model()._default_manager.filter(pk=before["assigned_to"]).first()
    name = before.get("assigned_to_name", "")  # an earlier version kept none
    editing.assign(item, to, by=by, version=version, name=name)
