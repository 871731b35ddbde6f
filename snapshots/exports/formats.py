"""How an export is written: CSV for spreadsheets, one JSON object, or JSON lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from perf.spreadsheets import lines
from snapshots.exports.reading import Chunk, Row

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


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write rows. `body` is told how many rows stand before its own."""

    content_type: str
    columns: Mapping[str, str]  # unless the reader names others: name → path
    head: Callable[[Sequence[str], dt.datetime], bytes]
    body: Callable[[Sequence[str], Sequence[Row], int], bytes]
    tail: Callable[[int], bytes]

    def pieces(self, chunks: Iterable[Chunk], names: Sequence[str], at: dt.datetime) -> Iterator[bytes]:
        """The whole file in pieces, a chunk each; `at` is when it is made."""
        yield self.head(names, at)
        written = 0
        for chunk in chunks:
            yield self.body(names, chunk.rows, written)
            written += len(chunk.rows)
        yield self.tail(written)


def cell(value: object) -> object:
    """`value` as CSV says it: yes, no and instants are written as in JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, dt.datetime) else value


def _objects(names: Sequence[str], rows: Iterable[Row]) -> list[dict[str, object]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def _json_body(names: Sequence[str], rows: Sequence[Row], before: int) -> bytes:
    return (b"," if before and rows else b"") + orjson.dumps(_objects(names, rows))[1:-1]


def _objects_by_line(names: Sequence[str], rows: Sequence[Row], before: int) -> bytes:
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in _objects(names, rows))


FORMATS = {
    "csv": Format(
        content_type="text/csv; charset=utf-8",
        columns=CSV_COLUMNS,
        head=lambda names, at: lines([names]),
        body=lambda names, rows, before: lines(map(cell, row) for row in rows),
        tail=lambda written: b"",
    ),
    "json": Format(
        content_type="application/json",
        columns=JSON_FIELDS,
        head=lambda names, at: b'{"export_date":%s,"data":[' % orjson.dumps(at),
        body=_json_body,
        tail=lambda written: b'],"total_records":%d}' % written,
    ),
    "ndjson": Format(
        content_type="application/x-ndjson",
        columns=JSON_FIELDS,
        head=lambda names, at: b"",
        body=_objects_by_line,
        tail=lambda written: b"",
    ),
}
