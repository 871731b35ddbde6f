"""What the page of an item shows to one person; the queue shows the same beside its list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workitems.models import Photo, WorkItem
from workitems.timeline import Entry, timeline
from workitems.workflow import WITH_CREW, Status, next_states


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One item as one person sees it. `photos` are those that nobody removed, in the crew's order."""

    item: WorkItem
    photos: list[Photo]
    entries: list[Entry]
    internal_notes: str
    next_states: list[Status]
    may_edit: bool

    @property
    def is_with_crew(self) -> bool:
        """Whether it was sent back."""
        return self.item.status in WITH_CREW

    @property
    def kind(self) -> str:
        """The state as the dot before it says it: see .state in parts.css."""
        return KINDS[self.item.status]


KINDS: dict[str, str] = {
    Status.SUBMITTED: "busy",
    Status.IN_REVIEW: "wait",
    Status.NEEDS_REVISION: "bad",
    Status.AWAITING_PHOTOS: "wait",
    Status.COMPLETED_REVIEW: "good",
}


def page_of(item: WorkItem, user: Any) -> ItemPage:
    """The page of `item` for `user`; four queries."""
    all_photos = list(item.photos.in_order().select_related("deleted_by"))
    return ItemPage(
        item=item,
        photos=[photo for photo in all_photos if photo.deleted_at is None],
        entries=timeline(item, all_photos, user),
        internal_notes=item.internal_notes_for(user),
        next_states=next_states(item, user),
        may_edit=item.may_edit(user),
    )
