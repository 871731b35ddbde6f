"""The photos of an item: one sent whole, captions, order, removing and putting back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import File, Form, Router, Schema, Status, UploadedFile
from ninja.errors import HttpError
from pydantic import Field

from perf.access import requires
from perf.answers import Refusal
from workitems import photos, receiving
from workitems.api.items import PhotoOut, photo_out
from workitems.images import NotAPhoto
from workitems.models import Photo, WorkItem

router = Router()
Done = TypeVar("Done")
FORM = {"required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
"""What django-ninja cannot know: the file is needed, though one that is too large was never read."""


class PhotoIn(Schema):
    """What is said of a photo beside its file. `key`, the sender's own name of it: sent twice, stored once."""

    caption: str = Field("", max_length=2_000)
    key: str = Field("", pattern=r"^[A-Za-z0-9._-]{0,64}$")
    replaces: int | None = Field(None, ge=1, le=2**62, description="The photo whose place it takes.")


class PhotoChange(Schema):
    """What changes; what is left out stays."""

    caption: str | None = Field(None, max_length=2_000)
    position: int | None = Field(None, ge=1, le=10_000, description="From 1; beyond the end is the end.")


@router.post(
    "/workitems/{number:number}/photos",
    response={201: PhotoOut, 400: Refusal, 409: Refusal, 413: Refusal, 422: Refusal, 507: Refusal},
    summary="Send a photo whole",
    openapi_extra={"requestBody": {"content": {"multipart/form-data": {"schema": FORM}}, "required": True}},
)
@requires("workitems.change_workitem")
def add_photo(
    request: HttpRequest,
    number: str,
    body: Form[PhotoIn],
    file: UploadedFile | None = File(None),  # noqa: B008  # how django-ninja declares a parameter
) -> Status:
    """Store `file`, untouched; thumbnails follow. Over a bad connection use /uploads, which goes on where it broke off.

    409 where the item has all the photos it may have, 413 where it is too large, 422 where it is no photo.
    """
    item = get_object_or_404(WorkItem.objects.visible_to(request.user), number=number)
    if receiving.too_large(request):
        raise HttpError(413, " ".join(receiving.too_large(request)))
    if file is None:
        raise HttpError(422, "Send the photo as the multipart field “file”.")
    given: dict[str, Any] = {"key": body.key, "caption": body.caption, "replaces": _replaced(item, body.replaces)}
    photo = _tried(partial(photos.add, item, file, by=request.user, **given))
    receiving.process_soon()
    return Status(201, photo_out(photo, request.user))


@router.patch(
    "/workitems/photos/{int:photo_id}",
    response={200: PhotoOut, 400: Refusal},
    summary="Caption or move a photo",
    url_name="workitem-photo",
)
@requires("workitems.change_workitem")
def change_photo(request: HttpRequest, photo_id: int, body: PhotoChange) -> dict[str, Any]:
    """Write its caption, make it the `position`-th, or both; all or nothing."""
    photo = _found(request, photo_id)
    with transaction.atomic():
        if body.caption is not None:
            _tried(partial(photos.set_caption, photo, body.caption, by=request.user))
        if body.position is not None:
            photos.move(photo, body.position, by=request.user)
    return photo_out(photo, request.user)


@router.delete("/workitems/photos/{int:photo_id}", response=PhotoOut, summary="Remove a photo")
@requires("workitems.change_workitem")
def remove_photo(request: HttpRequest, photo_id: int) -> dict[str, Any]:
    """Take it off its item; /restore undoes it."""
    photo = _found(request, photo_id)
    photos.remove(photo, by=request.user)
    return photo_out(photo, request.user)


@router.post(
    "/workitems/photos/{int:photo_id}/restore",
    response={200: PhotoOut, 409: Refusal},
    summary="Put a removed photo back",
)
@requires("workitems.change_workitem")
def restore_photo(request: HttpRequest, photo_id: int) -> dict[str, Any]:
    """Undo its removal; 409 where the item has all the photos it may have."""
    items = WorkItem.objects.visible_to(request.user)
    photo = get_object_or_404(Photo.objects.filter(work_item__in=items), pk=photo_id)
    _tried(partial(photos.restore, photo, by=request.user))
    return photo_out(photo, request.user)


def _found(request: HttpRequest, pk: int) -> Photo:
    return get_object_or_404(Photo.objects.visible_to(request.user), pk=pk)


def _replaced(item: WorkItem, pk: int | None) -> Photo | None:
    return None if pk is None else get_object_or_404(Photo, pk=pk, work_item=item)


def _tried(act: Callable[[], Done]) -> Done:
    """What `act` gives; HttpError with its reason where it is refused."""
    try:
        return act()
    except photos.TooManyPhotos as refused:
        raise HttpError(409, str(refused)) from refused
    except photos.PhotoTooLarge as refused:
        raise HttpError(413, str(refused)) from refused
    except NotAPhoto as refused:
        raise HttpError(422, str(refused)) from refused
    except photos.NoSpace as refused:
        raise HttpError(507, str(refused)) from refused
    except ValidationError as refused:
        raise HttpError(400, f"caption: {' '.join(refused.messages)}") from refused
