"""All published figures as a file, streamed row by row so that memory stays flat however many there are."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from itertools import islice
from typing import Any

import orjson
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import F, QuerySet
from django.http import StreamingHttpResponse
from ninja import Field

from perf import clock
from perf.events import happened
from snapshots.filters import FigureFilters
from snapshots.models import Snapshot

ROWS_AT_ONCE = 1_000
CSV_COLUMNS = {  # ten that people's sheets rely on; whether followers are rounded is in JSON and NDJSON alone
    "Platform": "account__platform",
    "Handle": "account__handle",
    "Organization": "account__organization__name",
    "Date": "date",
    "Followers": "followers",
    "Engagement Total": "engagements",
    "Posts": "posts",
    "Likes": "likes",
    "Comments": "comments",
    "Shares": "shares",
}
JSON_FIELDS = {
    "platform": "account__platform",
    "handle": "account__handle",
    "organization": "account__organization__name",
    "account_url": "account__url",
    "date": "date",
    "followers_count": "followers",
    "followers_rounded": "followers_rounded",
    "following_count": "following",
    "engagements_total": "engagements",
    "posts_count": "posts",
    "likes_count": "likes",
    "comments_count": "comments",
    "shares_count": "shares",
    "source": "source",
}
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ExportFilters(FigureFilters):
    """Which accounts and days the file holds; all of them unless told."""

    since: dt.date | None = Field(None, alias="from", description="The first day.")
    until: dt.date | None = Field(None, alias="to", description="The last day.")

    def rows(self, user: AbstractBaseUser | AnonymousUser) -> QuerySet[Snapshot, Any]:
        """The published rows that `user` may see and the filters let through, newest first."""
        rows = self.narrow(Snapshot.objects.visible_to(user).published())
        if self.since:
            rows = rows.filter(date__gte=self.since)
        if self.until:
            rows = rows.filter(date__lte=self.until)
        return rows.order_by("-date", "-account_id")


def safe_cell(value: object) -> object:
    """`value` for a spreadsheet: a text that it would run as a formula gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def as_csv(rows: QuerySet[Snapshot, Any]) -> Iterator[bytes]:
    """A header and one line per row; an unknown figure is an empty cell."""
    yield _lines([tuple(CSV_COLUMNS)])
    for chunk in _chunks(rows.values_list(*CSV_COLUMNS.values())):
        yield _lines([tuple(safe_cell(value) for value in row) for row in chunk])


def as_json(rows: QuerySet[Snapshot, Any]) -> Iterator[bytes]:
    """{"export_date", "data": [objects], "total_records"}."""
    yield b'{"export_date":%s,"data":[' % orjson.dumps(clock.now())
    written = 0
    for chunk in _chunks(_objects(rows)):
        yield (b"," if written else b"") + orjson.dumps(chunk)[1:-1]
        written += len(chunk)
    yield b'],"total_records":%d}' % written


def as_ndjson(rows: QuerySet[Snapshot, Any]) -> Iterator[bytes]:
    """One object per line."""
    for chunk in _chunks(_objects(rows)):
        yield b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in chunk)


FORMATS: dict[str, tuple[str, Callable[[QuerySet[Snapshot, Any]], Iterator[bytes]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "json": ("application/json", as_json),
    "ndjson": ("application/x-ndjson", as_ndjson),
}


def export(kind: str, filters: ExportFilters, user: AbstractBaseUser | AnonymousUser) -> StreamingHttpResponse:
    """The file of `kind` (a name of FORMATS) that `user` asked for. Audited."""
    content_type, written = FORMATS[kind]
    happened(user, "snapshots.export", kind, filters.model_dump(mode="json", exclude_defaults=True))
    response = StreamingHttpResponse(written(filters.rows(user)), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="tidemark-figures-{clock.today().isoformat()}.{kind}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _objects(rows: QuerySet[Snapshot, Any]) -> QuerySet[Snapshot, Any]:
    """`rows` as dictionaries under the exported names."""
    own = [name for name, path in JSON_FIELDS.items() if name == path]
    renamed = {name: F(path) for name, path in JSON_FIELDS.items() if name != path}
    objects: QuerySet[Snapshot, Any] = rows.values(*own, **renamed)
    return objects


def _chunks(rows: QuerySet[Snapshot, Any]) -> Iterator[list[Any]]:
    found: Iterable[Any] = rows.iterator(chunk_size=ROWS_AT_ONCE)
    source = iter(found)
    while chunk := list(islice(source, ROWS_AT_ONCE)):
        yield chunk


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
