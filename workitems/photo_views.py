"""Photos in pages: served to who may see them, put back, and waited for no longer."""

from __future__ import annotations

import logging
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
)
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from perf.access import requires
from workitems import photos, uploads
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
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a removed photo back."""
    found = get_object_or_404(Photo.objects.filter(work_item__in=WorkItem.objects.visible_to(request.user)), pk=pk)
    try:
        photos.restore(found, by=request.user)
        messages.success(request, "The photo is back.")
    except photos.TooManyPhotos as refused:
        messages.warning(request, f"{refused} Nothing was changed.")
    return redirect("workitems:item", found.work_item.number)


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
