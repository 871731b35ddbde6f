"""What reviewers and crews say of an item: verdicts on its photos, and comments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from perf.cache import forget
from perf.clock import now
from perf.events import happened
from workitems.cache import families_of
from workitems.models import Comment, Photo, PhotoVerdict, WorkItem
from workitems.workflow import Status, name_of, storable

SAME_COMMENT = timedelta(minutes=1)
"""The same words by the same person within this are one comment, sent twice."""
LONGEST_COMMENT, LONGEST_REASON = 5_000, 500


class VerdictChanged(Exception):
    """Someone else judged the photo first. `current` is the photo as it is."""

    def __init__(self, current: Photo) -> None:
        said = current.get_verdict_display().lower()
        why = f" ({current.verdict_reason})" if current.verdict_reason else ""
        super().__init__(f"{current.verdict_by_name} judged this photo meanwhile: {said}{why}. Yours was not stored.")
        self.current = current


def judge(photo: Photo, verdict: str, reason: str = "", *, by: Any, seen: datetime | None) -> Photo:
    """Accept `photo`, ask to retake it (with a reason), or take a verdict back (""); `seen` is when it was judged last.

    Raises PermissionDenied; ValidationError; VerdictChanged.
    """
    reason = storable(reason)
    if not by.has_perm("workitems.review_workitem"):
        raise PermissionDenied("Only reviewers judge photos.")
    if verdict not in Photo.Verdict.values:
        raise ValidationError({"verdict": "Accept the photo, or ask to retake it."})
    if verdict == Photo.Verdict.RETAKE and not reason:
        raise ValidationError({"reason": "Say what is wrong with the photo: the crew reads it."})
    if len(reason) > LONGEST_REASON:
        raise ValidationError({"reason": f"Write at most {LONGEST_REASON} characters."})
    values = {"verdict": verdict, "verdict_reason": reason if verdict == Photo.Verdict.RETAKE else ""}
    stamp = {"verdict_by": by, "verdict_by_name": name_of(by), "verdict_at": _in_milliseconds(now())}
    with transaction.atomic():
        item = WorkItem.objects.select_for_update().get(pk=photo.work_item_id)
        rows = Photo.objects.present().filter(pk=photo.pk, verdict_at=seen, work_item__deleted_at=None)
        if not rows.update(**values, **stamp):
            raise VerdictChanged(Photo.objects.get(pk=photo.pk))
        _remember(photo, values, stamp)
        forget(*families_of(item.pk))
        happened(by, "workitems.judge_photo", item.number, {"photo": photo.pk, **values})
    photo.refresh_from_db()
    return photo


def _remember(photo: Photo, values: Mapping[str, Any], stamp: Mapping[str, Any]) -> None:
    """Write the verdict into the photo's history, where the next one does not replace it."""
    said = {"verdict": values["verdict"], "reason": values["verdict_reason"]}
    who = {"by": stamp["verdict_by"], "by_name": stamp["verdict_by_name"], "at": stamp["verdict_at"]}
    PhotoVerdict.objects.create(photo=photo, **said, **who)


def _in_milliseconds(instant: datetime) -> datetime:
    """As exactly as JSON tells it: what was read there is compared with what is stored."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def may_comment(item: WorkItem, user: Any) -> bool:
    """Whether `user` may comment: reviewers on all, crew on their own or assigned ones until they are completed."""
    if item.deleted_at or not user.has_perm("workitems.change_workitem"):
        return False
    is_theirs = user.pk in {item.submitter_id, item.assigned_to_id} and item.status != Status.COMPLETED_REVIEW
    is_reviewer: bool = user.has_perm("workitems.review_workitem")
    return is_reviewer or is_theirs


def comment(item: WorkItem, text: str, *, by: Any) -> Comment:
    """Store what `by` says of `item`, for all who read it. Raises PermissionDenied; ValidationError."""
    text = storable(text)
    if not text:
        raise ValidationError({"text": "Write something first."})
    if len(text) > LONGEST_COMMENT:
        raise ValidationError({"text": f"Write at most {LONGEST_COMMENT:,} characters; this has {len(text):,}."})
    with transaction.atomic():
        current = WorkItem.objects.select_for_update().get(pk=item.pk)
        if not may_comment(current, by):
            raise PermissionDenied(f"You may not comment on {item.number}.")
        mine = current.comments.filter(author=by, text=text, created_at__gt=now() - SAME_COMMENT)
        if sent_twice := mine.first():
            return sent_twice
        is_reviewer = by.has_perm("workitems.review_workitem")
        stored = Comment.objects.create(
            work_item=current, author=by, author_name=name_of(by), text=text, by_reviewer=is_reviewer
        )
        WorkItem.objects.filter(pk=item.pk).recount()
        forget(*families_of(item.pk))
        happened(by, "workitems.comment", item.number, {"comment": stored.pk})
    return stored


def asked_retakes(photos: Iterable[Photo]) -> str:
    """The reasons of the photos to be retaken, one a line, to send an item back with; `photos` are in their order."""
    return "\n".join(
        f"Photo {place}: {photo.verdict_reason}"
        for place, photo in enumerate(photos, 1)
        if photo.verdict == Photo.Verdict.RETAKE
    )
