"""Photos in a form of a page: read to the disk within the limits, the good ones kept, each refused one named."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.db import transaction
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from workitems import photos
from workitems.models import Photo, WorkItem

TOO_LARGE = "workitems.too_large"  # in request.META: the names of files that were not read to their end
PHOTOS, CAPTION, KEY = "photos", "caption", "photos_key"
"""Fields of the form: `photos` of one or several files, or `photos-1` beside `caption-1` and so on; and the key of this
showing of the form, so that sent twice it is stored once."""


class CappedUploads(FileUploadHandler):
    """Refuses a form above MAX_REQUEST_BYTES before it is read, and leaves out a file above MAX_PHOTO_BYTES.

    It stands first among FILE_UPLOAD_HANDLERS, for all forms: the CSRF check reads them before any view is asked.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803  # Django passes it by this name
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        """Raise RequestDataTooBig for a body that is larger than any form may be."""
        if content_length > settings.MAX_REQUEST_BYTES:
            raise RequestDataTooBig(f"A form may have {filesizeformat(settings.MAX_REQUEST_BYTES)}.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass the piece on; SkipFile at the first byte that is too many, and the rest of the file is read past."""
        if start + len(raw_data) > settings.MAX_PHOTO_BYTES and self.request is not None:
            self.request.META.setdefault(TOO_LARGE, []).append(self.file_name)
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Nothing: the next handler holds the file."""


@dataclass(slots=True)
class Taken:
    """What became of the photos of a form: those stored, and a sentence for each that was not."""

    stored: list[Photo] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """In one message: what was not taken and why, and what was kept."""
        number = len(self.stored)
        kept = [f"{number} photo{'s are' if number > 1 else ' is'} stored."] if number else []
        return " ".join([*self.refused, *kept])


def take(request: HttpRequest, item: WorkItem) -> Taken:
    """Store the photos of the posted form on `item`: those that can be, in their order, with their captions.

    Raises PermissionDenied. Whoever calls this calls process_soon.
    """
    done = Taken()
    key = photos.one_line(request.POST.get(KEY, ""))[:40]
    done.refused += too_large(request)
    for name, number, file in _posted(request):
        caption = request.POST.get(name.replace(PHOTOS, CAPTION), "")
        try:
            photo = photos.add(
                item, file, by=request.user, key=f"{key}.{name}.{number}" if key else "", caption=caption
            )
        except (*photos.REFUSALS, ValidationError) as refused:
            done.refused.append(f"“{photos.file_name(file.name or '')}” was not stored: {_said(refused)}")
        else:
            done.stored.append(photo)
    return done


def process_soon() -> None:
    """Hint at the workers that photos were stored; when the hint is lost, beat has them look within a minute."""
    hint = partial(current_app.send_task, "workitems.tasks.process_photos", queue="images", retry=False)
    transaction.on_commit(hint, robust=True)


def too_large(request: HttpRequest) -> list[str]:
    """A sentence for each file of the form that was too large to be read to its end."""
    most = filesizeformat(settings.MAX_PHOTO_BYTES)
    names = [photos.file_name(name) for name in request.META.get(TOO_LARGE, ())]
    return [f"“{name}” is larger than {most} and was not stored." for name in names]


def _posted(request: HttpRequest) -> list[tuple[str, int, UploadedFile]]:
    """The photos of the form: the field of each, its number there from 0, and the file."""
    fields = [name for name in request.FILES if _is_photo(name)]
    return [(name, number, file) for name in fields for number, file in enumerate(request.FILES.getlist(name))]


def _is_photo(name: str) -> bool:
    return name == PHOTOS or name.startswith(f"{PHOTOS}-")


def _said(refused: Exception) -> str:
    return " ".join(refused.messages) if isinstance(refused, ValidationError) else str(refused)
