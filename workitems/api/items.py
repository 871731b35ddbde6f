"""Work items as JSON: the list, and one of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema

from perf.access import requires
from perf.answers import CONDITIONAL, Page
from perf.cache import cached_view, permissions_of, user_of
from workitems.addresses import photo_url
from workitems.cache import WORKITEMS
from workitems.listing import ME, Filters, page_of
from workitems.models import Photo, WorkItem

router = Router()
COPIED = (
    *("number", "version", "status", "status_label", "location", "equipment", "description", "detail", "ofm"),
    *("revision_notes", "submitted_at", "modified_at", "photo_count", "photos_due", "comment_count"),
)


class PhotoOut(Schema):
    """A photo of an item. `width` and `height` are the picture's, in pixels; without one yet, `picture` is empty."""

    id: int
    state: str
    fault: str
    caption: str
    position: int
    width: int | None
    height: int | None
    thumb: str
    picture: str
    original: str
    verdict: str
    verdict_reason: str
    sha256: str
    size: int


class ItemRow(Schema):
    """An item in a list. A write names the `version` that it saw; `internal_notes` are there for those who may."""

    number: str
    version: int
    status: str
    status_label: str
    location: str
    equipment: str
    description: str
    detail: str
    ofm: str
    submitter: str
    assigned_to: str
    reviewer: str
    revision_notes: str
    submitted_at: dt.datetime
    modified_at: dt.datetime
    photo_count: int
    photos_due: int
    comment_count: int
    internal_notes: str = ""


class ItemOut(ItemRow):
    """An item with its photos, as the crew put them."""

    photos: list[PhotoOut]


class ItemPage(Page):
    """One page of work items."""

    data: list[ItemRow]


def photo_out(photo: Photo, user: Any) -> dict[str, Any]:
    """A photo as PhotoOut, with the address of its original for a `user` who may have it."""
    names = ("id", "state", "fault", "caption", "position", "width", "height", "verdict", "verdict_reason", "sha256")
    return {name: getattr(photo, name) for name in (*names, "size")} | {
        "thumb": photo_url(photo.pk, "thumb") if photo.thumbnail_path else "",
        "picture": photo_url(photo.pk, "picture") if photo.rendition else "",
        "original": photo_url(photo.pk, "original") if photo.gives_original_to(user) else "",
    }


def item_row(item: WorkItem, user: Any) -> dict[str, Any]:
    """An item as ItemRow, with the internal notes only for a `user` who may read them."""
    row: dict[str, Any] = {name: getattr(item, name) for name in COPIED}
    row |= {"submitter": item.submitter_name, "assigned_to": item.assigned_to_name, "reviewer": item.reviewer_name}
    return row | ({"internal_notes": item.internal_notes} if user.has_perm("workitems.read_internal_notes") else {})


def item_out(item: WorkItem, user: Any) -> dict[str, Any]:
    """An item as ItemOut, for `user`; one query for its photos."""
    photos = Photo.objects.present().filter(work_item=item).in_order()
    return item_row(item, user) | {"photos": [photo_out(photo, user) for photo in photos]}


def _whose(request: HttpRequest, filters: Filters) -> str:
    """“me” is somebody else for everybody; all else is shared by those with the same permissions."""
    return user_of(request) if filters.assigned_to == ME else permissions_of(request)


@router.get("/workitems", response=ItemPage, summary="Work items, newest first", openapi_extra=CONDITIONAL)
@requires("workitems.view_workitem")
@cached_view(WORKITEMS, root="workitems:api", vary=_whose)
def workitems(request: HttpRequest, filters: Query[Filters]) -> bytes:
    """One page of the items that match the filters, with the words of each."""
    page = page_of(filters, request.user)
    return orjson.dumps(page.envelope([item_row(item, request.user) for item in page.object_list]))


@router.get(
    "/workitems/{number:number}", response=ItemOut, exclude_unset=True, summary="One work item", url_name="workitem"
)
@requires("workitems.view_workitem")
def workitem(request: HttpRequest, number: str) -> dict[str, Any]:
    """The item with all its words and photos."""
    return item_out(get_object_or_404(WorkItem.objects.visible_to(request.user), number=number), request.user)
