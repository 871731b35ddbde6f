"""Word files as the API gives them: of one item at once, of many as a zip that a worker writes."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Field, Router, Schema, Status
from ninja.errors import HttpError

from perf.access import requires
from perf.answers import TEXT, Refusal, sends_file, sends_file_from_anywhere
from perf.rates import rated
from workitems import bundles
from workitems.bundle_views import send_bundle, send_document
from workitems.documents import CONTENT_TYPE
from workitems.models import Bundle, WorkItem

router = Router()
REMOVED = "The file was kept for 24 hours and is removed. Ask for it again."


class BundleIn(Schema):
    """The items of a zip, by number, in the order of the file."""

    numbers: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,50}$")]] = Field(max_length=bundles.MOST)


class LeftOut(Schema):
    """An item, or a photo of it, that is not in a zip."""

    number: str
    why: str


class BundleOut(Schema):
    """How far a zip is."""

    id: int
    state: Literal["waiting", "running", "done", "failed", "expired"]
    error: str
    done: int
    total: int
    percent: int
    size: int
    left_out: list[LeftOut]
    created_at: dt.datetime
    ended_at: dt.datetime | None
    file: str | None


@router.get(
    "/workitems/{number:number}/document",
    summary="The Word file of an item, as it is now",
    url_name="document",
    openapi_extra=sends_file({CONTENT_TYPE: TEXT}),
)
@requires("workitems.review_workitem")
def item_document(request: HttpRequest, number: str, version: int | None = None) -> HttpResponseBase:
    """With `version`, the file that was kept when that version's review was completed; 404 where there is none."""
    item = get_object_or_404(WorkItem.objects.visible_to(request.user), number=number)
    return send_document(item, "" if version is None else str(version))


@router.post("/documents", response={202: BundleOut, 422: Refusal}, summary="Have the Word files of many items zipped")
@requires("workitems.review_workitem")
@rated("exports")
def ask_bundle(request: HttpRequest, wanted: BundleIn) -> Status:
    """A worker writes it; `file` of the answer to /documents/{id} is where to fetch it once it is done."""
    try:
        return Status(202, _out(request, bundles.ask(wanted.numbers, request.user)))
    except ValidationError as refused:
        raise HttpError(422, " ".join(refused.messages)) from refused


@router.get("/documents/{pk}", response=BundleOut, summary="How far a zip of Word files is")
@requires("workitems.review_workitem")
def bundle_progress(request: HttpRequest, pk: int) -> dict[str, Any]:
    """Nobody sees it but who asked for it."""
    return _out(request, _own(request, pk))


@router.delete("/documents/{pk}", response={204: None}, summary="Cancel a zip of Word files, or delete its file")
@requires("workitems.review_workitem")
def delete_bundle(request: HttpRequest, pk: int) -> Status:
    """A worker that writes it stops within seconds; nothing of the file stays."""
    bundles.take_back(_own(request, pk), request.user)
    return Status(204, None)


@router.api_operation(
    ["GET", "HEAD"],
    "/documents/{pk}/file",
    response={409: Refusal, 410: Refusal, 416: Refusal},
    summary="The zip itself",
    url_name="bundle-file",
    openapi_extra=sends_file_from_anywhere({"application/zip": TEXT}),
)
@requires("workitems.review_workitem")
def bundle_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Whole, or from any byte on: Range, If-Range and ETag as in RFC 9110, so that a broken download can go on."""
    bundle = _own(request, pk)
    if bundle.state != Bundle.State.DONE:
        gone = bundle.state == Bundle.State.EXPIRED
        raise HttpError(
            410 if gone else 409, REMOVED if gone else bundle.error or f"It is written to {bundle.percent} %."
        )
    try:
        return send_bundle(request, bundle)
    except FileNotFoundError as error:
        raise HttpError(410, REMOVED) from error


def _own(request: HttpRequest, pk: int) -> Bundle:
    return get_object_or_404(Bundle.objects.of(request.user), pk=pk)


def _out(request: HttpRequest, bundle: Bundle) -> dict[str, Any]:
    names = ("state", "error", "done", "total", "percent", "size", "created_at", "ended_at")
    here = request.resolver_match.namespace if request.resolver_match else ""
    file = reverse(f"{here}:bundle-file", args=[bundle.pk]) if bundle.state == Bundle.State.DONE else None
    left_out = [{"number": number, "why": why} for number, why in bundle.left_out]
    return {"id": bundle.pk, "file": file, "left_out": left_out} | {name: getattr(bundle, name) for name in names}
