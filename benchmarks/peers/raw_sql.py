"""The same rows without a framework: SQL by hand on psycopg2, orjson, and nobody is asked who they are."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import orjson
import psycopg2

GRID = """
SELECT a.platform, a.handle, o.name, s.date, s.followers, s.engagements, s.posts, s.likes, s.comments, s.shares
FROM snapshots_snapshot s JOIN accounts_account a ON a.id = s.account_id
JOIN accounts_organization o ON o.id = a.organization_id
WHERE s.quality = 'published' {day} ORDER BY s.date DESC, s.account_id DESC LIMIT 50
"""
HISTORY = """
SELECT s.date, s.followers, s.engagements FROM snapshots_snapshot s JOIN accounts_account a ON a.id = s.account_id
WHERE a.platform = %s AND a.handle_key = %s AND s.quality = 'published' ORDER BY s.date
"""
SUMMARY_COLUMNS = (
    *(
        "platform",
        "followers",
        "posts",
        "date",
        "observed_at",
        "source",
        "change_1",
        "change_7",
        "change_30",
        "change_90",
    ),
    *("handle", "org_name", "engagement", "rounded"),
)
SUMMARY = """
SELECT l.platform, l.followers, l.posts, l.date, l.observed_at, l.source, l.change_1, l.change_7, l.change_30,
l.change_90, a.handle, o.name, l.engagements, l.followers_rounded
FROM snapshots_latestsnapshot l JOIN accounts_account a ON a.id = l.account_id
JOIN accounts_organization o ON o.id = a.organization_id
WHERE l.date IS NOT NULL AND a.is_active ORDER BY l.followers DESC NULLS LAST, l.account_id DESC
"""


class _Local(threading.local):
    """One connection for each thread."""

    def __init__(self) -> None:
        self.connection = psycopg2.connect(os.environ["DATABASE_URL"])
        self.connection.autocommit = True


_local = _Local()


def _rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with _local.connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def grid(query: dict[str, list[str]]) -> Any:
    """The newest fifty rows, of one day if it says so."""
    day = query.get("day", [])
    return {"data": _rows(GRID.format(day="AND s.date = %s" if day else ""), *day)}


def history(query: dict[str, list[str]]) -> Any:
    """All days of one account."""
    rows = _rows(HISTORY, *query["platform"], *query["handle"])
    return dict(zip(("dates", "followers", "engagement"), zip(*rows, strict=True), strict=True))


def summary(query: dict[str, list[str]]) -> Any:
    """The latest figures of all accounts."""
    return [dict(zip(SUMMARY_COLUMNS, row, strict=True)) for row in _rows(SUMMARY)]


PATHS = {"/grid": grid, "/history": history, "/summary": summary}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a path of PATHS."""
    body = orjson.dumps(PATHS[environ["PATH_INFO"]](parse_qs(environ["QUERY_STRING"])))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
