"""Photos in pages: served to who may see them, and posted, removed, captioned and moved by plain forms."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.storage import default_storage
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    JsonResponse,
)
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from perf.access import requires
from workitems import photos, receiving, uploads
from workitems.attaching import attach
from workitems.models import Photo, Upload, WorkItem
from workitems.writes import back

log = logging.getLogger(__name__)
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "HEIF": "image/heic"}
KEPT = "private, max-age=86400"  # seconds; asked for anew by another session, for answers vary on the cookie
FENCED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": KEPT,
    "Vary": "Cookie",
}
"""Whatever a file holds, no browser runs it, keeps it for others or shows it inside a foreign page."""


@require_safe
@requires("workitems.view_workitem")
def photo(request: HttpRequest, pk: int, size: str) -> HttpResponseBase:
    """A photo as "original" (a download), "picture" or "thumb"; where there is no thumbnail yet, the picture.

    The original says where and when it was taken: 403 for who is neither a reviewer nor the one who uploaded it.
    """
    found = get_object_or_404(Photo.objects.visible_to(request.user), pk=pk)
    if size == "original" and not found.gives_original_to(request.user):
        raise PermissionDenied("The original is for reviewers and whoever took it. The picture is there for everybody.")
    name, kind = _file_of(found, size)
    tag = f'"{name.rpartition("/")[2]}"'
    if tag in request.headers.get("If-None-Match", ""):
        return HttpResponseNotModified(headers=FENCED | {"ETag": tag})
    try:
        file = default_storage.open(name)
    except FileNotFoundError:
        log.error("The file %s of photo %d is missing.", name, found.pk)
        raise Http404 from None
    is_original = size == "original"
    called = found.original_name if is_original else f"photo-{found.pk}-{size}.jpg"
    return FileResponse(
        file, as_attachment=is_original, filename=called, content_type=kind, headers=FENCED | {"ETag": tag}
    )


@require_POST
@requires("workitems.change_workitem")
def add(request: HttpRequest, number: str) -> HttpResponse:
    """Store the photos of a plain form: the good ones are kept, each refused one is named."""
    item = get_object_or_404(WorkItem.objects.visible_to(request.user), number=number)
    if not photos.may_change(item, request.user):
        raise PermissionDenied(f"You may not change the photos of {number} now. Nothing was changed.")
    done = attach(item, request.POST, request.FILES, by=request.user, key=request.POST.get("key", ""))
    done.refused += receiving.too_large(request)
    if done.stored:
        receiving.process_soon()
    stored = f"{done.stored} photo{'s are' if done.stored > 1 else ' is'} stored." if done.stored else ""
    said = done.sentence() or stored or "Choose a photo first. Nothing was changed."
    (messages.warning if done.refused or not done.stored else messages.success)(request, said)
    return redirect("workitems:item", number)


@require_POST
@requires("workitems.change_workitem")
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a photo off its item; the answer says where that is undone."""
    found = _found(request, pk)
    undo = reverse("workitems:photo-restore", args=[pk])
    return _done(request, found, lambda: photos.remove(found, by=request.user), "The photo is removed.", undo=undo)


@require_POST
@requires("workitems.change_workitem")
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a removed photo back."""
    found = get_object_or_404(Photo.objects.filter(work_item__in=WorkItem.objects.visible_to(request.user)), pk=pk)
    return _done(request, found, lambda: photos.restore(found, by=request.user), "The photo is back.")


@require_POST
@requires("workitems.change_workitem")
def caption(request: HttpRequest, pk: int) -> HttpResponse:
    """Write what a photo shows."""
    found, words = _found(request, pk), request.POST.get("caption", "")
    return _done(request, found, lambda: photos.set_caption(found, words, by=request.user), "The caption is stored.")


@require_POST
@requires("workitems.change_workitem")
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a photo the `position`-th of its item."""
    found, position = _found(request, pk), request.POST.get("position", "")
    if not photos.may_change(found.work_item, request.user):
        raise PermissionDenied(f"You may not change the photos of {found.work_item.number} now. Nothing was changed.")
    if not position.isascii() or not position.isdigit() or len(position) > 6:
        return _answer(request, found, 400, "Say which place it gets, as a number from 1. Nothing was changed.")
    return _done(request, found, lambda: photos.move(found, int(position), by=request.user), "The photo is moved.")


@require_POST
@requires("workitems.change_workitem")
def give_up(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Wait for a promised photo no longer."""
    try:
        upload = uploads.find(upload_id, request.user)
    except Upload.DoesNotExist:
        raise Http404 from None
    uploads.withdraw(upload, by=request.user)
    messages.success(request, "The item no longer waits for this photo. Its device can still send it.")
    return back(request, upload.work_item)


def _file_of(found: Photo, size: str) -> tuple[str, str]:
    """The name in the storage and the type of what is asked for. Raises Http404 where it is not made yet."""
    if size == "original":
        return str(found.original.name), TYPES.get(found.format, "application/octet-stream")
    name = (found.thumbnail_path if size == "thumb" else "") or str(found.rendition.name or "")
    if not name:
        raise Http404
    return name, TYPES["JPEG"]


def _found(request: HttpRequest, pk: int) -> Photo:
    """The photo, if the person may see it. Raises Http404."""
    return get_object_or_404(Photo.objects.visible_to(request.user).select_related("work_item"), pk=pk)


def _done(request: HttpRequest, found: Photo, act: Callable[[], None], said: str, **more: Any) -> HttpResponse:
    """Do `act` and say so; what is refused is said with its reason."""
    try:
        act()
    except photos.TooManyPhotos as refused:
        return _answer(request, found, 409, f"{refused} Nothing was changed.")
    except ValidationError as refused:
        return _answer(request, found, 422, f"{' '.join(refused.messages)} Nothing was changed.")
    return _answer(request, found, 200, said, **more)


def _answer(request: HttpRequest, found: Photo, status: int, said: str, **more: Any) -> HttpResponse:
    """The outcome for a page's script, or as a message on the item's page."""
    if not request.accepts("text/html"):
        return JsonResponse({"error" if status >= 400 else "message": said} | more, status=status)
    (messages.warning if status >= 400 else messages.success)(request, said)
    return redirect("workitems:item", found.work_item.number)
