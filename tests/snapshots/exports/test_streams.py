"""Exports as answers: what they hold, how they are sent, and that memory stays flat."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import tracemalloc
from collections.abc import Callable
from io import StringIO
from typing import Any

import brotli
import orjson
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from perf import clock, events
from snapshots.exports import reading
from snapshots.models import LatestSnapshot, Snapshot
from snapshots.recording import Sighting, record
from tests.snapshots.exports.conftest import Day

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

TODAY = clock.today()
LAST = ("Likes", "Comments", "Shares")


def body(client: Client, path: str, **headers: str) -> bytes:
    response: Any = client.get(path, headers=headers)
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def handles(client: Client, query: str) -> list[str]:
    return [row[0] for row in csv.reader(StringIO(body(client, f"/api/export.csv?fields=handle&{query}").decode()))][1:]


def test_csv_has_the_columns_people_know(viewer: Client, a_day: Day) -> None:
    a_day(followers=1_000, engagements=5, posts=7, likes=2, comments=3)
    rows = list(csv.reader(StringIO(body(viewer, "/api/export.csv").decode())))
    assert rows == [
        [*("Platform", "Handle", "Organization", "Date"), *("Followers", "Engagement Total", "Posts"), *LAST],
        ["x", "cdcgov", "CDC", TODAY.isoformat(), "1000", "5", "7", "2", "3", ""],
    ]


def test_json_is_one_object_with_a_count(viewer: Client, a_day: Day) -> None:
    for ago in range(3):
        a_day(ago=ago, following=4)
    found = orjson.loads(body(viewer, "/api/export.json"))
    assert (found["total_records"], len(found["data"])) == (3, 3)
    assert found["export_date"].startswith(str(clock.now().year))
    assert (found["data"][0]["followers_count"], found["data"][0]["following_count"]) == (1_000, 4)


def test_json_of_nothing_is_valid(viewer: Client) -> None:
    assert orjson.loads(body(viewer, "/api/export.json"))["data"] == []
    assert body(viewer, "/api/export.ndjson") == b""


def test_ndjson_is_one_object_a_line(viewer: Client, a_day: Day) -> None:
    a_day(ago=1)
    a_day()
    lines = body(viewer, "/api/export.ndjson").splitlines()
    assert [orjson.loads(line)["date"] for line in lines] == [
        TODAY.isoformat(),
        (TODAY - dt.timedelta(days=1)).isoformat(),
    ]


def test_export_holds_published_figures_of_the_asked_accounts_and_days(viewer: Client, a_day: Day) -> None:
    for ago in range(4):
        a_day(ago=ago, followers=ago)
    a_day("other", followers=99)
    a_day(ago=-1, followers=5, quality="suspect")
    since, until = TODAY - dt.timedelta(days=2), TODAY - dt.timedelta(days=1)
    lines = body(viewer, f"/api/export.csv?q=cdc&from={since}&to={until}").decode().splitlines()
    assert [line.split(",")[4] for line in lines[1:]] == ["1", "2"]


@pytest.mark.req("A42")
def test_export_holds_the_named_columns_alone(viewer: Client, a_day: Day) -> None:
    a_day(followers=3)
    asked = "?fields=handle,followers,rounded,change_1&day=latest"
    assert body(viewer, f"/api/export.csv{asked}") == (b"handle,followers,rounded,change_1\r\ncdcgov,3,false,\r\n")
    assert orjson.loads(body(viewer, f"/api/export.ndjson{asked}")) == {
        "handle": "cdcgov",
        "followers": 3,
        "rounded": False,
        "change_1": None,
    }


@pytest.mark.parametrize(
    "query", ["fields=password", "day=never", "sort=followers", "from=2026-02-01&to=2026-01-01", "platform=nowhere"]
)
def test_what_cannot_be_meant_is_refused(viewer: Client, query: str) -> None:
    answer = viewer.get(f"/api/export.csv?{query}")
    assert (answer.status_code, list(answer.json())) == (400, ["error", "fields"])


@pytest.mark.parametrize("day", ["latest", TODAY.isoformat()])
def test_file_has_the_rows_and_the_order_of_the_grid(viewer: Client, a_day: Day, day: str) -> None:
    for handle, followers in (("a", 2), ("b", None), ("c", 7)):
        a_day(handle, followers=followers)
        a_day(handle, ago=1, followers=100)
    query = f"day={day}&sort=-followers&page=1&per_page=2"
    grid = viewer.get(f"/api/grid?{query.replace('per_page=2', '')}&fields=handle").json()["data"]
    assert handles(viewer, query) == [handle for [handle] in grid] == ["c", "a", "b"]


def test_export_is_a_download_and_audited_once(viewer: Client, a_day: Day) -> None:
    a_day()
    told = []

    def listen(**event: Any) -> None:
        told.append((event["action"], event["target"], event["detail"]))

    events.event.connect(listen)
    try:
        response: Any = viewer.get("/api/export.csv?platform=twitter")
        list(response.streaming_content)
    finally:
        events.event.disconnect(listen)
    assert response["Content-Disposition"] == f'attachment; filename="tidemark-figures-{TODAY}.csv"'
    assert response["Cache-Control"] == "private, no-store"
    assert told == [("snapshots.export", "csv", {"platform": "x"})]


@pytest.mark.parametrize(("encoding", "decoded"), [("gzip", gzip.decompress), ("br", brotli.decompress)])
def test_a_compressed_stream_is_the_same_file(
    viewer: Client, a_day: Day, encoding: str, decoded: Callable[[bytes], bytes]
) -> None:
    for ago in range(20):
        a_day(ago=ago)
    sent = body(viewer, "/api/export.csv", **{"accept-encoding": encoding})
    assert decoded(sent) == body(viewer, "/api/export.csv")


def test_rows_written_meanwhile_are_neither_doubled_nor_lost(viewer: Client, many_days: Any) -> None:
    many_days(days=150)
    response: Any = viewer.get("/api/export.ndjson?fields=handle,date,followers")
    pieces = iter(response.streaming_content)
    read = [next(pieces), next(pieces)]  # the head, and the first thousand rows
    tomorrow = TODAY + dt.timedelta(days=1)
    record(
        Sighting(pk, tomorrow, clock.now(), "observed", followers=9)
        for pk in Account.objects.values_list("pk", flat=True)
    )
    read += pieces
    rows = [orjson.loads(line) for line in b"".join(read).splitlines()]
    assert len({(row["handle"], row["date"]) for row in rows}) == len(rows) == 1_500


def test_a_figure_that_changes_meanwhile_moves_no_row_past_the_reader(
    viewer: Client, a_day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ROWS_AT_ONCE", 4)
    for number in range(10):
        a_day(f"h{number}", followers=number)
    response: Any = viewer.get("/api/export.ndjson?day=latest&sort=followers&fields=handle")
    pieces = iter(response.streaming_content)
    read = [next(pieces), next(pieces)]
    LatestSnapshot.objects.filter(account__handle="h9").update(followers=0)  # among those that were read
    lines = b"".join([*read, *pieces]).splitlines()
    assert len(set(lines)) == len(lines) == 10


def test_a_reader_who_goes_away_leaves_nothing_running(viewer: Client, many_days: Any) -> None:
    many_days(days=250)
    response: Any = viewer.get("/api/export.csv")
    pieces = iter(response.streaming_content)
    next(pieces), next(pieces)
    with CaptureQueriesContext(connection) as after:
        response.close()
        assert list(pieces) == []
    assert len(after) == 0


@pytest.mark.req("A24")
def test_queries_grow_by_one_in_a_thousand_rows(viewer: Client, many_days: Any) -> None:
    many_days(days=20)
    body(viewer, "/api/export.json")  # renews the session
    few, many = CaptureQueriesContext(connection), CaptureQueriesContext(connection)
    with few:
        body(viewer, "/api/export.json?q=h1")
    with many:
        body(viewer, "/api/export.json?q=h")
    assert len(few) == len(many)


def peak(client: Client, path: str, encoding: str) -> int:
    """The most memory, in bytes, that Python held at once for an answer that nobody keeps."""
    tracemalloc.start()
    response: Any = client.get(path, headers={"accept-encoding": encoding})
    for _ in response.streaming_content:
        pass
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@pytest.mark.req("A40")
def test_memory_is_flat_however_many_rows(viewer: Client, many_days: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ROWS_AT_ONCE", 250)  # as many chunks as of 20,000 rows, in a quarter of the time
    many_days(days=500)
    span = f"from={TODAY - dt.timedelta(days=49)}"
    for kind, encoding in (("csv", "identity"), ("json", "gzip"), ("ndjson", "br")):
        path = f"/api/export.{kind}"
        few, many = peak(viewer, f"{path}?{span}", encoding), peak(viewer, path, encoding)
        assert many < 1.3 * few + 200_000, f"{kind} {encoding}: {few:,} bytes for 500 rows, {many:,} for 5,000"
    assert Snapshot.objects.count() == 5_000
