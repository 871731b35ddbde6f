"""The queue of items to review: one state at a time, the oldest first, and the next that nobody has open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Prefetch, Q

from workitems.claims import unclaimed
from workitems.models import Photo, StatusTotal, WorkItem, WorkItemQuerySet
from workitems.workflow import Status

ORDER = ("submitted_at", "pk")
PER_PAGE = 25
MINE = "mine"


@dataclass(frozen=True, slots=True)
class Queue:
    """Which items: those of a state, or the ones under one's own review."""

    state: str = Status.SUBMITTED.value

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """The queue that an address names; the submitted ones for anything else."""
        state = given.get("state", "")
        return cls(state) if state == MINE or state in Status.values else cls()

    @property
    def query(self) -> str:
        """It as an address names it."""
        return urlencode({"state": self.state})

    def rows(self, user: Any) -> WorkItemQuerySet:
        """Its items as `user` may see them."""
        rows = WorkItem.objects.visible_to(user)
        if self.state == MINE:
            return rows.filter(status=Status.IN_REVIEW, reviewer=user)
        return rows.filter(status=self.state)

    def for_page(self, user: Any) -> WorkItemQuerySet:
        """Its items with their photos; two queries however many rows."""
        return self.rows(user).prefetch_related(Prefetch("photos", Photo.objects.present().in_order()))

    def next_for(self, user: Any, after: WorkItem | None) -> WorkItem | None:
        """The oldest item behind `after`, or else from the start, that nobody else has open; None: there is none."""
        offered = unclaimed(self.rows(user), user).order_by(*ORDER)
        if after is None:
            return offered.first()
        others = offered.exclude(pk=after.pk)
        behind = Q(submitted_at__gt=after.submitted_at) | Q(submitted_at=after.submitted_at, pk__gt=after.pk)
        return others.filter(behind, submitted_at__gte=after.submitted_at).first() or others.first()


def tabs(user: Any) -> list[tuple[str, str, int | None]]:
    """(state, label, how many) of each queue; the number of one's own is not counted."""
    counted = dict(StatusTotal.objects.values_list("status", "items"))
    states: list[tuple[str, str, int | None]] = [(s.value, s.label, counted.get(s.value, 0)) for s in Status]
    return [states[0], (MINE, "With me", None), *states[1:]]
