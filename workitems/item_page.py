"""What the page of an item shows to one person; the queue shows the same beside its list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workitems.claims import is_claimed_from
from workitems.deciding import path_of
from workitems.models import CannedReason, Document, Photo, Upload, WorkItem
from workitems.people import People, people_for
from workitems.reviewing import asked_retakes, may_comment
from workitems.timeline import Entry, timeline
from workitems.uploads import may_continue
from workitems.workflow import WITH_CREW, Status, next_states


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One item as one person sees it. `photos` are those that nobody removed, in the crew's order; `promised`
    those on their way that the person may stop waiting for.

    `originals` are the ids of those whose file they may have; `claimed` is whether someone else has it open; `canned`
    are the usual reasons; `owes_document` is whether the Word file of its completion could not be made. The last three
    are for reviewers.
    """

    item: WorkItem
    photos: list[Photo]
    promised: list[Upload]
    originals: frozenset[int]
    entries: list[Entry]
    internal_notes: str
    next_states: list[Status]
    may_edit: bool
    may_comment: bool
    claimed: bool
    canned: list[CannedReason]
    owes_document: bool
    people: People

    @property
    def decisions(self) -> list[Status]:
        """What a reviewer may decide now, a new item being taken into review by that."""
        return [status for status in DECISIONS if path_of(self.item, status)]

    @property
    def retakes(self) -> str:
        """What the verdicts on its photos ask for, to send it back with."""
        return asked_retakes(self.photos)

    @property
    def former_assignee(self) -> bool:
        """Whether it is with somebody who cannot be given items any more: chosen all the same, until it is changed."""
        return self.item.assigned_to_id is not None and self.item.assigned_to_id not in dict(self.people.workers)

    @property
    def former_reviewer(self) -> bool:
        """Whether it is in review by somebody who cannot review any more."""
        return self.item.reviewer_id not in dict(self.people.reviewers)

    @property
    def is_with_crew(self) -> bool:
        """Whether it was sent back."""
        return self.item.status in WITH_CREW

    @property
    def kind(self) -> str:
        """The state as the dot before it says it: see .state in parts.css."""
        return KINDS[self.item.status]


DECISIONS = (Status.COMPLETED_REVIEW, Status.NEEDS_REVISION, Status.AWAITING_PHOTOS)
KINDS: dict[str, str] = {
    Status.SUBMITTED: "busy",
    Status.IN_REVIEW: "wait",
    Status.NEEDS_REVISION: "bad",
    Status.AWAITING_PHOTOS: "wait",
    Status.COMPLETED_REVIEW: "good",
}


def page_of(item: WorkItem, user: Any) -> ItemPage:
    """The page of `item` for `user`; six queries, two more for a reviewer, one more once it is completed or claimed."""
    reviews = user.has_perm("workitems.review_workitem")
    completed = item.status == Status.COMPLETED_REVIEW
    all_photos = list(item.photos.with_history())
    due = list(item.uploads.open().order_by("position", "pk")) if item.photos_due else []
    photos = [photo for photo in all_photos if photo.deleted_at is None]
    return ItemPage(
        item=item,
        photos=photos,
        promised=[upload for upload in due if may_continue(upload, user)],
        originals=frozenset(photo.pk for photo in photos if photo.gives_original_to(user)),
        entries=timeline(item, all_photos, user),
        internal_notes=item.internal_notes_for(user),
        next_states=next_states(item, user),
        may_edit=item.may_edit(user),
        may_comment=may_comment(item, user),
        claimed=is_claimed_from(item, user),
        canned=list(CannedReason.objects.filter(is_offered=True).order_by("position", "pk")) if reviews else [],
        owes_document=reviews and completed and Document.objects.filter(work_item=item).failed().exists(),
        people=people_for(user),
    )
