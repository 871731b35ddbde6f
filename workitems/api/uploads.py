"""Photos over connections that break: promise one, send it in pieces, ask how far it is, go on from there."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from ninja import Header, Query, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from perf.access import requires
from perf.answers import Refusal
from workitems import photos, receiving, uploads
from workitems.models import Photo, Upload, WorkItem

router = Router()
PIECE = "application/octet-stream"


class PromiseIn(Schema):
    """A photo that is to be sent. `key` is the device's own name of it, the same in every try; `size` in bytes."""

    item: str = Field(pattern=r"^[A-Za-z0-9_-]{1,50}$", description="The item's number.")
    item_id: int | None = Field(None, ge=1, le=2**62, description="Its id, which decides: numbers may be changed.")
    key: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    name: str = Field("", max_length=1_000)
    size: int = Field(ge=1, le=2**40)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the whole file, in hexadecimal.")
    caption: str = Field("", max_length=2_000)
    position: int | None = Field(None, ge=1, le=10_000, description="From 1; the last without it.")
    replaces: int | None = Field(None, ge=1, le=2**62, description="The photo whose place it takes.")


class FormOut(Schema):
    """The number and the id of the item that a form became; empty and null where it was not stored."""

    item: str
    item_id: int | None


class UploadOut(Schema):
    """An upload and how far it is. `fault` says why it was given up; `photo` is the id of what it became."""

    id: UUID
    item: str
    key: str
    size: int
    offset: int
    state: Literal["open", "stored", "given_up"]
    fault: str
    photo: int | None


class Elsewhere(Refusal):
    """The piece cannot be taken as it is: go on from `offset`."""

    offset: int


def upload_out(upload: Upload) -> dict[str, Any]:
    """An upload as UploadOut."""
    names = ("id", "key", "size", "state", "fault")
    told = {name: getattr(upload, name) for name in names}
    return told | {"item": upload.work_item.number, "offset": uploads.arrived(upload), "photo": upload.photo_id}


@router.post(
    "/uploads",
    response={200: UploadOut, 201: UploadOut, 404: Refusal, 409: Refusal, 413: Refusal},
    summary="Promise a photo",
    url_name="uploads",  # "promise" is that of the figures' freshness
)
@requires("workitems.change_workitem")
def promise(request: HttpRequest, body: PromiseIn) -> Status:
    """Say which photo comes, and get the address to send it to; the same key again is the same upload.

    The item counts it as promised until it is stored or given up, and cannot be completed before. Where no item has
    that number any more, it is the one that you promised this key to. 409 where the item has all the photos it may
    have, or the key names another file; 413 where it is too large.
    """
    item = _item_of(body, request.user)
    told = body.dict(exclude={"item", "item_id", "replaces"})
    said = uploads.Promise(replaces=_replaced(item, body.replaces), **told)
    try:
        upload = uploads.promise(item, said, by=request.user)
    except photos.PhotoTooLarge as refused:
        raise HttpError(413, str(refused)) from refused
    except (photos.TooManyPhotos, uploads.KeyTaken) as refused:
        raise HttpError(409, str(refused)) from refused
    except ValidationError as refused:
        raise HttpError(400, f"caption: {' '.join(refused.messages)}") from refused
    return Status(200 if upload.offset or upload.state != Upload.State.OPEN else 201, upload_out(upload))


@router.get("/uploads", response=FormOut, summary="Which item a form became")
@requires("workitems.change_workitem")
def item_of_form(request: HttpRequest, form: str = Query(pattern=r"^[A-Za-z0-9._-]{1,64}$")) -> dict[str, Any]:
    """The item that was stored with the key of a form of yours, for photos whose device saw no answer to it."""
    items = WorkItem.objects.visible_to(request.user).filter(submitter_id=request.user.pk, key=form)
    number, pk = items.values_list("number", "pk").first() or ("", None)
    return {"item": number, "item_id": pk}


@router.get("/uploads/{uuid:upload_id}", response=UploadOut, summary="How far an upload is", url_name="upload")
@requires("workitems.change_workitem")
def upload(request: HttpRequest, response: HttpResponse, upload_id: UUID) -> dict[str, Any]:
    """Its state, and how many bytes are here."""
    return _told(response, _found(request, upload_id))


@router.api_operation(
    ["HEAD"], "/uploads/{uuid:upload_id}", summary="The offset of an upload", operation_id="upload_offset"
)
@requires("workitems.change_workitem")
def upload_offset(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """How many bytes are here, as the header Upload-Offset; the size as Upload-Length."""
    found = _found(request, upload_id)
    return HttpResponse(headers={"Upload-Offset": uploads.arrived(found), "Upload-Length": found.size})


@router.patch(
    "/uploads/{uuid:upload_id}",
    response={200: UploadOut, 409: Elsewhere, 413: Refusal, 422: Elsewhere, 507: Refusal},
    summary="Send a piece of a photo",
    openapi_extra={
        "requestBody": {"content": {PIECE: {"schema": {"type": "string", "format": "binary"}}}, "required": True}
    },
)
@requires("workitems.change_workitem")
def send_piece(
    request: HttpRequest,
    response: HttpResponse,
    upload_id: UUID,
    offset: int = Header(alias="Upload-Offset", ge=0, le=2**40),
) -> dict[str, Any] | HttpResponse:
    """The bytes that follow those that are here; with the last ones the photo is stored.

    Whatever arrives of a piece before the connection breaks is kept. 409 with the right `offset` where the piece begins
    elsewhere; 422 with `offset` 0 where the whole is not what was promised. What is no photo is given up: see `fault`.
    """
    found = _found(request, upload_id)
    try:
        sent = uploads.append(found, offset, request, int(request.headers.get("Content-Length") or 0))
    except uploads.WrongOffset as refused:
        return _elsewhere(409, str(refused), refused.offset)
    except photos.NotAsPromised as refused:
        return _elsewhere(422, str(refused), 0)
    except uploads.MoreThanPromised as refused:
        raise HttpError(413, str(refused)) from refused
    except photos.NoSpace as refused:
        raise HttpError(507, str(refused)) from refused
    if sent.state == Upload.State.STORED:
        receiving.process_soon()
    return _told(response, sent)


@router.delete("/uploads/{uuid:upload_id}", response=UploadOut, summary="Give an upload up")
@requires("workitems.change_workitem")
def give_up(request: HttpRequest, upload_id: UUID) -> dict[str, Any]:
    """Wait for it no longer. A photo that is stored stays; the same promise again begins anew."""
    found = _found(request, upload_id)
    uploads.withdraw(found, by=request.user)
    found.refresh_from_db()
    return upload_out(found)


def _item_of(body: PromiseIn, user: Any) -> WorkItem:
    """The item that the photo is for, also where it has another number by now. Raises Http404."""
    items = WorkItem.objects.visible_to(user)
    if body.item_id is not None:
        return get_object_or_404(items, pk=body.item_id)
    of_key = items.filter(uploads__key=body.key, uploads__created_by=user).order_by("-uploads__touched_at")
    found = items.filter(number=body.item).first() or of_key.first()
    if found is None:
        raise Http404
    return found


def _found(request: HttpRequest, upload_id: UUID) -> Upload:
    try:
        return uploads.find(upload_id, request.user)
    except Upload.DoesNotExist:
        raise Http404 from None


def _replaced(item: WorkItem, pk: int | None) -> Photo | None:
    return None if pk is None else get_object_or_404(Photo, pk=pk, work_item=item)


def _told(response: HttpResponse, upload: Upload) -> dict[str, Any]:
    told = upload_out(upload)
    response["Upload-Offset"] = str(told["offset"])
    return told


def _elsewhere(status: int, error: str, offset: int) -> HttpResponse:
    return JsonResponse({"error": error, "offset": offset}, status=status, headers={"Upload-Offset": str(offset)})
