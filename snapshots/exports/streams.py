"""An export as the answer itself, sent while it is read."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import StreamingHttpResponse

from perf import clock
from perf.events import happened
from snapshots.exports.filters import ExportFilters
from snapshots.exports.formats import FORMATS
from snapshots.exports.reading import chunks


def stream(kind: str, filters: ExportFilters, user: AbstractBaseUser | AnonymousUser) -> StreamingHttpResponse:
    """The file of `kind` (a name of FORMATS) with the rows that `user` may see. Audited."""
    form = FORMATS[kind]
    columns = filters.columns if filters.fields else form.columns
    happened(user, "snapshots.export", kind, filters.given())
    found = chunks(filters.figures(user), filters.order, columns)
    pieces = form.pieces(found, list(columns), clock.now())
    response = StreamingHttpResponse(pieces, content_type=form.content_type)
    response["Content-Disposition"] = f'attachment; filename="tidemark-figures-{clock.today().isoformat()}.{kind}"'
    response["Cache-Control"] = "private, no-store"
    return response
