"""Reviewing as JSON: steps, decisions about photos, comments, people, history and the bin."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import AwareDatetime, ConfigDict, Field

from perf.access import requires
from perf.answers import Refusal
from workitems import bins, claims, people, reviewing
from workitems.api.items import ItemOut, PhotoOut, item_out, photo_out
from workitems.api.items import router as items
from workitems.api.writing import ItemConflict
from workitems.editing import Conflict, assign, differences
from workitems.models import Photo, WorkItem
from workitems.timeline import timeline
from workitems.workflow import CHANGE, REVIEW, TransitionRefused, move

router = Router()
LARGEST = 2**31 - 1
Version = Field(ge=1, le=LARGEST, description="The version that you read.")


class Step(Schema):
    """A step to take. Sending back and reopening want a reason; `reviewer` (a username) is for a hand-over.

    `take_over`: also from another reviewer who has the item open in their queue.
    """

    model_config = ConfigDict(extra="forbid")

    status: Literal["submitted", "in_review", "needs_revision", "awaiting_photos", "completed_review"]
    reason: str = Field("", max_length=5_000)
    reviewer: str = Field("", max_length=150)
    take_over: bool = False
    version: int = Version


class Assignment(Schema):
    """Whom to give an item to, by username; empty: nobody.

    `take_over`: also from another reviewer who has the item open in their queue.
    """

    model_config = ConfigDict(extra="forbid")

    assigned_to: str = Field(max_length=150)
    take_over: bool = False
    version: int = Version


class CommentIn(Schema):
    """What to say, for everybody who reads the item."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=reviewing.LONGEST_COMMENT)


class CommentOut(Schema):
    """What somebody said, and whether they were a reviewer then."""

    author: str
    text: str
    by_reviewer: bool
    created_at: dt.datetime


class VerdictIn(Schema):
    """A verdict on a photo; a retake wants a reason, "" takes one back. `seen` is when it was judged last.

    `take_over`: also from another reviewer who has the item open in their queue.
    """

    model_config = ConfigDict(extra="forbid")

    verdict: Literal["", "accepted", "retake"]
    reason: str = Field("", max_length=reviewing.LONGEST_REASON)
    seen: AwareDatetime | None = None
    take_over: bool = False


class JudgedPhoto(PhotoOut):
    """A photo, and when it was judged, which the next verdict names as `seen`."""

    verdict_at: dt.datetime | None


class ChangeOut(Schema):
    """One field that was changed."""

    label: str
    before: str
    after: str


class EntryOut(Schema):
    """One thing that happened: a step, a change of words, a comment, or something about a photo."""

    kind: Literal["status", "revision", "bin", "comment", "photo"]
    at: dt.datetime
    by: str
    words: str
    text: str
    status: str
    by_reviewer: bool
    changes: list[ChangeOut]
    photo: int | None


@router.post("/workitems/{number:number}/status", response={200: ItemOut, 409: ItemConflict}, exclude_unset=True,
             summary="Take an item to another state")  # fmt: skip
@requires("workitems.change_workitem")
def take_step(request: HttpRequest, number: str, body: Step) -> Status:
    """By the rules of the states; 409 without such a step or a reason, or where somebody was faster or has it open."""
    item = _found(request, number)
    reviewer = _person(body.reviewer, REVIEW, "reviewer")
    try:
        with transaction.atomic():
            claims.make_way(item, request.user, take_over=body.take_over)
            move(item, body.status, by=request.user, version=body.version, reason=body.reason, reviewer=reviewer)
            claims.release(item, request.user)
    except (TransitionRefused, claims.Claimed) as refused:
        return Status(409, _conflict(refused, refused.current, request.user, body.version))
    return Status(200, item_out(item, request.user))


@router.post("/workitems/{number:number}/assign", response={200: ItemOut, 409: ItemConflict}, exclude_unset=True,
             summary="Give an item to somebody")  # fmt: skip
@requires("workitems.assign_workitem")
def assign_workitem(request: HttpRequest, number: str, body: Assignment) -> Status:
    """To whoever can work on items; 409 with what changed where somebody was faster or has it open."""
    item, to = _found(request, number), _person(body.assigned_to, CHANGE, "assigned_to")
    try:
        with transaction.atomic():
            claims.make_way(item, request.user, take_over=body.take_over)
            assign(item, to, by=request.user, version=body.version)
            claims.release(item, request.user)
    except (Conflict, claims.Claimed) as lost:
        return Status(409, _conflict(lost, lost.current, request.user, body.version))
    return Status(200, item_out(item, request.user))


@router.post("/workitems/{number:number}/comments", response={201: CommentOut}, summary="Comment on an item")
@requires("workitems.change_workitem")
def comment_on_workitem(request: HttpRequest, number: str, body: CommentIn) -> Status:
    """Reviewers on all items, crew on their own or assigned ones; the same words twice in a minute are one comment."""
    item = _found(request, number)
    try:
        said = reviewing.comment(item, body.text, by=request.user)
    except ValidationError as wrong:
        raise HttpError(400, " ".join(wrong.messages)) from wrong
    names = ("text", "by_reviewer", "created_at")
    return Status(201, {"author": said.author_name} | {name: getattr(said, name) for name in names})


@router.get("/workitems/{number:number}/timeline", response=list[EntryOut], summary="All that happened to an item")
@requires("workitems.view_workitem")
def workitem_timeline(request: HttpRequest, number: str) -> list[dict[str, Any]]:
    """Steps, changes with before and after, comments and photos, newest first."""
    item = _found(request, number)
    entries = timeline(item, list(item.photos.with_history()), request.user)
    names = ("kind", "at", "by", "words", "text", "status", "by_reviewer")
    return [
        {name: getattr(entry, name) for name in names}
        | {"changes": [asdict(each) for each in entry.changes], "photo": entry.photo.pk if entry.photo else None}
        for entry in entries
    ]


@router.post("/workitems/{number:number}/photos/{pk}/verdict", response={200: JudgedPhoto, 409: Refusal},
             summary="Accept a photo, or ask to retake it")  # fmt: skip
@requires("workitems.view_workitem", REVIEW)
def judge_photo(request: HttpRequest, number: str, pk: int, body: VerdictIn) -> dict[str, Any]:
    """409 with what the other said where somebody judged it since `seen`, or with who has the item open."""
    item = _found(request, number)
    photo = get_object_or_404(Photo.objects.present().filter(work_item=item), pk=pk)
    try:
        with transaction.atomic():
            claims.make_way(item, request.user, take_over=body.take_over)
            judged = reviewing.judge(photo, body.verdict, body.reason, by=request.user, seen=body.seen)
    except ValidationError as wrong:
        raise HttpError(400, " ".join(wrong.messages)) from wrong
    except (reviewing.VerdictChanged, claims.Claimed) as lost:
        raise HttpError(409, str(lost)) from lost
    return photo_out(judged, request.user) | {"verdict_at": judged.verdict_at}


@items.delete("/workitems/{number:number}", response={200: ItemOut, 409: ItemConflict}, exclude_unset=True,
               summary="Put an item into the bin")  # fmt: skip
@requires("workitems.delete_workitem")
def delete_workitem(request: HttpRequest, number: str, version: Annotated[int, Query(ge=1, le=LARGEST)]) -> Status:
    """It can be restored, with all it has; `version` is the one that you read."""
    item = _found(request, number)
    try:
        bins.put_in(item, by=request.user, version=version)
    except Conflict as lost:
        return Status(409, _conflict(lost, lost.current, request.user, version))
    return Status(200, item_out(_again(item), request.user))


@router.post("/workitems/{number:number}/restore", response={200: ItemOut}, exclude_unset=True,
             summary="Take an item out of the bin")  # fmt: skip
@requires("workitems.delete_workitem")
def restore_workitem(request: HttpRequest, number: str) -> dict[str, Any]:
    """An item that is not in the bin stays as it is."""
    item = get_object_or_404(WorkItem, number=number)
    bins.take_out(item, by=request.user)
    return item_out(_again(item), request.user)


def _found(request: HttpRequest, number: str) -> WorkItem:
    return get_object_or_404(WorkItem.objects.visible_to(request.user), number=number)


def _again(item: WorkItem) -> WorkItem:
    item.refresh_from_db()
    return item


def _person(username: str, permission: str, field: str) -> Any:
    """Who has that name and may be given items; None for no name. 400 for anybody else."""
    found = people.named(username.replace("\x00", " "), permission) if username else None
    if username and found is None:
        raise HttpError(400, f"{field}: nobody of that name can have this item. Nothing was changed.")
    return found


def _conflict(refused: Exception, there: WorkItem, user: Any, since: int) -> dict[str, Any]:
    """As ItemConflict has it; what is in the bin is shown to nobody."""
    current = None if there.deleted_at else item_out(there, user)
    changed = [asdict(each) for each in differences(there, since, user)]
    return {"error": str(refused), "current": current, "changed": changed}
