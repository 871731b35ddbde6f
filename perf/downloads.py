"""Sends a finished file, from any byte on: a download that was cut off goes on where it stopped (RFC 9110, 14)."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import IO, Protocol

from django.http import HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header, http_date

BLOCK = 65_536  # bytes read and sent at once
RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")  # no file has more bytes


class Headers(Protocol):
    """What a request says, by the names of its headers."""

    def get(self, name: str, /) -> str | None: ...


class Unsatisfiable(Exception):
    """The wanted bytes lie beyond the file."""


def send(
    file: IO[bytes], headers: Headers, *, tag: str, made: dt.datetime, name: str, content_type: str
) -> HttpResponseBase:
    """The whole file (200), the one range that was asked for (206), or that there is none such (416).

    `file` is open for reading and is closed here; `tag` and `made` change whenever its bytes do. Several ranges at
    once are answered with the whole file.
    """
    size = os.fstat(file.fileno()).st_size
    tag, date = f'"{tag}"', http_date(made.timestamp())
    wanted = headers.get("Range") if _is_unchanged(headers.get("If-Range"), tag, date) else None
    try:
        span = _span(wanted or "", size)
    except Unsatisfiable:
        file.close()
        beyond = {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}
        return JsonResponse({"error": f"The file ends after {size:,} bytes."}, status=416, headers=beyond)
    start, end = span or (0, size)
    response = StreamingHttpResponse(_Span(file, start, end), status=206 if span else 200)
    if span:
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    response["Content-Length"], response["Content-Type"] = str(end - start), content_type
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    response["ETag"], response["Last-Modified"], response["Accept-Ranges"] = tag, date, "bytes"
    response["Cache-Control"] = "private, no-store, no-transform"  # compressed, its bytes could not be counted
    return response


def _is_unchanged(condition: str | None, tag: str, made: str) -> bool:
    """Whether a range may be sent under an If-Range of the file's tag or date; without one it may."""
    if condition is None or condition == tag:
        return True
    try:
        return parsedate_to_datetime(condition) == parsedate_to_datetime(made)
    except (ValueError, OverflowError):
        return False


def _span(wanted: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last of a Range header; None for the whole file."""
    if (match := RANGE.fullmatch(wanted.replace(" ", ""))) is None or wanted == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
    if last and first and int(last) < int(first):
        return None  # means nothing, and is to be ignored
    if start >= end:
        raise Unsatisfiable
    return start, end


class _Span:
    """The bytes of an open file from `start` to before `end`; closed when they are sent or nobody wants them."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self.file, self.start, self.end = file, start, end
        self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(self.start)
        left = self.end - self.start
        while left > 0 and (block := self.file.read(min(BLOCK, left))):
            left -= len(block)
            yield block
