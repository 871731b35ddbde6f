"""Forms with photos: read to the disk within the limits, each file that is too large left out by name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from perf import hints
from workitems import photos
from workitems.tasks import process_photos

TOO_LARGE = "workitems.too_large"  # in request.META: the names of files that were not read to their end


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


def process_soon() -> None:
    """Hint at the workers that photos were stored; when the hint is lost, beat has them look within a minute."""
    hints.after_commit(process_photos, queue="images")


def too_large(request: HttpRequest) -> list[str]:
    """A sentence for each file of the form that was too large to be read to its end."""
    most = filesizeformat(settings.MAX_PHOTO_BYTES)
    names = [photos.file_name(name) for name in request.META.get(TOO_LARGE, ())]
    return [f"“{name}” is larger than {most} and was not stored." for name in names]
