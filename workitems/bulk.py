"""A decision about many items: which were chosen, and what exactly would happen to each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from workitems.claims import Claimed, is_claimed_from
from workitems.deciding import AT_ONCE, Act, Outcome, Wanted, path_of
from workitems.models import WorkItem
from workitems.workflow import Status, name_of


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a preview: what it would go through, or why it would stay as it is."""

    item: WorkItem
    steps: list[str]
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The items that a form names as "id-version": which, and as whom one saw them."""

    versions: dict[int, int]

    @classmethod
    def of(cls, tickets: Iterable[str]) -> Self:
        """What the tickets name; those that are none are left out."""
        found: dict[int, int] = {}
        for ticket in tickets:
            pk, _, version = ticket.partition("-")
            if all(part.isascii() and part.isdecimal() and len(part) < 10 for part in (pk, version)):
                found[int(pk)] = int(version)
        return cls(found)

    def rows(self, user: Any) -> list[WorkItem]:
        """The items as they are now and as `user` may see them, at most one more than a decision takes."""
        rows = WorkItem.objects.visible_to(user).filter(pk__in=list(self.versions)).order_by("submitted_at", "pk")
        return list(rows[: AT_ONCE + 1])


def plan(items: Iterable[WorkItem], wanted: Wanted, by: Any) -> list[Line]:
    """What `wanted` would do to each of `items`."""
    return [_line(item, wanted, by) for item in items]


def told(outcome: Outcome, wanted: Wanted) -> str:
    """What came of it, as a sentence."""
    one = len(outcome.done) == 1
    items = "1 item" if one else f"{len(outcome.done)} items"
    if wanted.act == Act.AWAIT_PHOTOS:
        return f"{items} {'awaits' if one else 'await'} photos."
    return f"{items} {Act(wanted.act).label}."


def _line(item: WorkItem, wanted: Wanted, by: Any) -> Line:
    if is_claimed_from(item, by):
        return Line(item, [], str(Claimed(item)))
    if wanted.act == Act.ASSIGN:
        return Line(item, [item.assigned_to_name or "nobody", name_of(wanted.assignee) or "nobody"])
    path = path_of(item, wanted.act)
    if not path:
        return Line(item, [], f"An item that is {item.status_label} cannot become {Status(wanted.act).label}.")
    if wanted.act == Act.COMPLETE and item.photos_due:
        return Line(item, [], "A promised photo is still on the way.")
    labels = [
        f"{Status(state).label} by {name_of(by)}" if state == Status.IN_REVIEW else Status(state).label
        for state in path
    ]
    return Line(item, [item.status_label, *labels])
