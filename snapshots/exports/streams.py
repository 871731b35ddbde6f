"""An export as the answer itself, sent while it is read."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import StreamingHttpResponse

from perf import clock
from perf.events import happened
from perf.spreadsheets import to_the_end
from snapshots.exports.coverage import ReportFilters, report
from snapshots.exports.filters import ExportFilters
from snapshots.exports.formats import FORMATS
from snapshots.exports.reading import chunks


def stream(kind: str, filters: ExportFilters, user: AbstractBaseUser | AnonymousUser) -> StreamingHttpResponse:
    """The file of `kind` (a name of FORMATS) with the figures that `user` may see. Audited."""
    form = FORMATS[kind]
    columns = filters.placed(form.columns)
    happened(user, "snapshots.export", kind, filters.given())
    found = chunks(filters.figures(user), filters.order, columns)
    return _download(form.pieces(found, list(columns), clock.now()), kind, "figures")


def stream_coverage(kind: str, filters: ReportFilters, user: AbstractBaseUser | AnonymousUser) -> StreamingHttpResponse:
    """The coverage report as a file of `kind`. Audited."""
    asked = filters.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    happened(user, "snapshots.export_coverage", kind, asked)
    names, found = report(filters, user)
    return _download(FORMATS[kind].pieces(found, names, clock.now()), kind, f"coverage-{filters.part}")


def _download(pieces: Iterator[bytes], kind: str, subject: str) -> StreamingHttpResponse:
    whole = to_the_end(pieces) if kind == "csv" else pieces  # the others cannot be read without their end
    response = StreamingHttpResponse(whole, content_type=FORMATS[kind].content_type)
    name = f"tidemark-{subject}-{clock.today().isoformat()}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
