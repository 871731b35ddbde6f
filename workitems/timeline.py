"""All that happened to an item, in one order: steps, changes of words, comments, photos."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workitems.editing import LABELS, NOTES
from workitems.models import IN_BIN, Photo, WorkItem
from workitems.workflow import Status, name_of

JUDGED: dict[str, str] = {
    Photo.Verdict.NONE: "took a verdict back",
    Photo.Verdict.ACCEPTED: "accepted a photo",
    Photo.Verdict.RETAKE: "asked to retake a photo",
}
"""What a verdict is called in a line."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field that a revision changed, as people read it; empty was nothing."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline. `kind` is status, revision, bin, comment or photo; `status` that of a step."""

    kind: str
    at: datetime
    by: str
    words: str
    text: str = ""
    status: str = ""
    by_reviewer: bool = False
    changes: tuple[Change, ...] = ()
    photo: Photo | None = None


def timeline(item: WorkItem, photos: Iterable[Photo], user: Any) -> list[Entry]:
    """What happened to `item`, newest first, as far as `user` may read it; three queries.

    `photos` are all of the item, the removed ones among them, `with_history`.
    """
    entries = [*_steps(item), *_revisions(item, user), *_comments(item), *_of_photos(photos, user)]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _steps(item: WorkItem) -> Iterator[Entry]:
    for row in item.status_changes.order_by("changed_at", "pk"):
        label = Status(row.new_status).label
        if not row.old_status:
            words = "submitted it"
        elif row.new_status == Status.IN_REVIEW:
            words = f"made it {label} by {row.reviewer_name}" if row.reviewer_name else f"made it {label}"
        else:
            words = f"made it {label}"
        yield Entry("status", row.changed_at, row.changed_by_name, words, row.reason, row.new_status)


def _revisions(item: WorkItem, user: Any) -> Iterator[Entry]:
    for row in item.revisions.order_by("version"):
        if IN_BIN in row.changes:
            words = "put it into the bin" if row.changes[IN_BIN][1] else "took it out of the bin"
            yield Entry("bin", row.changed_at, row.changed_by_name, words)
            continue
        changes = tuple(
            Change(LABELS.get(name, name), before, after)
            for name, (before, after) in row.changes.items()
            if name != NOTES or user.has_perm("workitems.read_internal_notes")
        )
        if changes:
            words = f"changed {_listed([change.label for change in changes])}"
            yield Entry("revision", row.changed_at, row.changed_by_name, words, changes=changes)


def _comments(item: WorkItem) -> Iterator[Entry]:
    for row in item.comments.order_by("created_at", "pk"):
        yield Entry("comment", row.created_at, row.author_name, "wrote", row.text, by_reviewer=row.by_reviewer)


def _of_photos(photos: Iterable[Photo], user: Any) -> Iterator[Entry]:
    is_reviewer = user.has_perm("workitems.review_workitem")
    for photo in photos:
        shown = photo if is_reviewer or not photo.deleted_at else None
        caption = f"“{photo.caption}”" if photo.caption else ""
        added = "replaced a photo" if photo.replaces_id else "added a photo"
        yield Entry("photo", photo.created_at, photo.uploaded_by_name, added, caption, photo=shown)
        for said in photo.verdicts.all():
            yield Entry("photo", said.at, said.by_name, JUDGED[said.verdict], said.reason, photo=shown)
        for undone in photo.restorations.all():
            yield Entry("photo", undone.removed_at, undone.removed_by_name, "removed a photo", caption, photo=shown)
            yield Entry("photo", undone.at, undone.by_name, "restored a photo", caption, photo=shown)
        if photo.deleted_at:
            yield Entry("photo", photo.deleted_at, name_of(photo.deleted_by), "removed a photo", caption, photo=shown)


def _listed(names: list[str]) -> str:
    """Names as a sentence lists them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
