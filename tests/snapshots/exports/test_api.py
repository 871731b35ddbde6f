"""Large exports as an API: promised, followed, fetched in pieces, taken back; nobody else's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from perf import clock
from snapshots.exports import files, writing
from snapshots.exports.asking import KEPT_MAX
from snapshots.exports.jobs import ExportJob, State
from tests import factories
from tests.snapshots.exports.conftest import Day

pytestmark = pytest.mark.django_db
Start = Callable[..., dict[str, Any]]


@pytest.fixture
def start(viewer: Client, a_day: Day) -> Start:
    """Asks for an export of three days and has it written."""
    for ago in range(3):
        a_day(ago=ago, followers=ago)

    def ask(**wanted: Any) -> dict[str, Any]:
        answer = viewer.post("/api/exports", wanted, content_type="application/json")
        assert answer.status_code == 202, answer.content
        writing.write_some(monotonic() + 10)
        return viewer.get(f"/api/exports/{answer.json()['id']}").json()

    return ask


def fetch(client: Client, path: str, **headers: str) -> tuple[Any, bytes]:
    answer: Any = client.get(path, headers=headers)
    return answer, b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.both_dbs
def test_more_rows_than_are_streamed_are_promised(viewer: Client, a_day: Day, settings: Any) -> None:
    for ago in range(3):
        a_day(ago=ago)
    settings.EXPORT_STREAM_ROWS = 2
    answer = viewer.get("/api/export.ndjson?q=cdc")
    job = answer.json()
    assert (answer.status_code, job["format"], job["state"], job["total"]) == (202, "ndjson", "waiting", 3)
    assert job["filters"] == {"q": "cdc"}
    assert viewer.get("/api/export.ndjson?q=cdc").json()["id"] == job["id"], "asked again, it is the same"
    today = viewer.get(f"/api/export.ndjson?from={clock.today() - dt.timedelta(days=1)}")
    assert (today.status_code, today.streaming) == (200, True)


def test_whether_there_are_too_many_is_never_counted_to_the_end(viewer: Client, many_days: Any, settings: Any) -> None:
    many_days(days=2)
    settings.EXPORT_STREAM_ROWS = 5
    viewer.get("/api/summary")
    with CaptureQueriesContext(connection) as asked:
        viewer.get("/api/export.csv?day=all")
    counts = [query["sql"] for query in asked if "snapshots_snapshot" in query["sql"] and "COUNT" in query["sql"]]
    assert all("LIMIT 6" in sql for sql in counts)


@pytest.mark.both_dbs
def test_an_export_tells_how_far_it_is_and_where_its_file_lies(viewer: Client, start: Start) -> None:
    job = start(format="csv", fields="followers", sort="date")
    assert (job["state"], job["rows"], job["percent"], job["error"]) == ("done", 3, 100, "")
    assert dt.datetime.fromisoformat(job["expires_at"]) > clock.now() + dt.timedelta(hours=23)
    answer, body = fetch(viewer, job["file"])
    assert body == b"followers\r\n2\r\n1\r\n0\r\n"
    assert answer["Content-Disposition"] == f'attachment; filename="tidemark-figures-{clock.today()}.csv"'
    assert answer["Cache-Control"] == "private, no-store, no-transform"
    assert [one["id"] for one in viewer.get("/api/exports").json()["data"]] == [job["id"]]


def test_a_compressed_file_is_named_and_typed_so(viewer: Client, start: Start) -> None:
    answer, body = fetch(viewer, start(format="json", compressed=True)["file"], **{"accept-encoding": "gzip"})
    assert body.startswith(b"\x1f\x8b")
    assert (answer["Content-Type"], "Content-Encoding" in answer) == ("application/gzip", False)
    assert answer["Content-Disposition"].endswith('.json.gz"')


NO_DATE = f"Mon, {'9' * 20} Nov 2026 00:00:00 GMT"
BODY = b"followers\r\n0\r\n1\r\n2\r\n"


@pytest.mark.parametrize(
    ("asked", "status", "span"),
    [
        ("bytes=0-3", 206, (0, 4)),
        ("bytes=5-", 206, (5, len(BODY))),
        ("bytes=-4", 206, (len(BODY) - 4, len(BODY))),
        ("bytes=-999", 206, (0, len(BODY))),
        ("bytes=3-999", 206, (3, len(BODY))),
        ("bytes=999-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=4-2", 200, (0, len(BODY))),
        ("bytes=0-1,3-4", 200, (0, len(BODY))),
        ("lines=1-2", 200, (0, len(BODY))),
        ("bytes=-", 200, (0, len(BODY))),
        (f"bytes={'9' * 5_000}-", 200, (0, len(BODY))),
    ],
)
def test_ranges_are_answered_as_the_standard_says(
    viewer: Client, start: Start, asked: str, status: int, span: tuple[int, int] | None
) -> None:
    answer, body = fetch(viewer, start(fields="followers")["file"], range=asked)
    assert answer.status_code == status
    size = len(BODY)
    if span is None:
        assert (answer["Content-Range"], list(answer.json())) == (f"bytes */{size}", ["error"])
        return
    assert (body, answer["Content-Length"]) == (BODY[slice(*span)], str(span[1] - span[0]))
    assert answer.get("Content-Range") == (f"bytes {span[0]}-{span[1] - 1}/{size}" if status == 206 else None)


def test_a_broken_download_goes_on_only_in_the_same_file(viewer: Client, start: Start) -> None:
    path = start(fields="followers")["file"]
    whole, _ = fetch(viewer, path)
    for condition, status in ((whole["ETag"], 206), (whole["Last-Modified"], 206), ('"other"', 200), (NO_DATE, 200)):
        answer, body = fetch(viewer, path, **{"range": "bytes=11-", "if-range": condition})
        assert (answer.status_code, body) == (status, BODY[11:] if status == 206 else BODY), condition
    head: Any = viewer.head(path)
    assert (head["Content-Length"], head["Accept-Ranges"]) == (str(len(BODY)), "bytes")


def test_a_download_that_has_begun_ends_well_though_the_file_is_removed(viewer: Client, start: Start) -> None:
    answer: Any = viewer.get(start(fields="followers")["file"])
    files.remove(ExportJob.objects.get())
    assert b"".join(answer.streaming_content) == BODY


def test_nobody_else_sees_or_takes_an_export(viewer: Client, start: Start) -> None:
    job = start()
    stranger = Client()
    stranger.force_login(factories.user("admin", password=None))
    assert stranger.get("/api/exports").json()["data"] == []
    for ask, path in ((stranger.get, ""), (stranger.get, "/file"), (stranger.delete, "")):
        assert ask(f"/api/exports/{job['id']}{path}").status_code == 404
    assert ExportJob.objects.get().state == State.DONE


def test_the_file_is_refused_when_the_right_to_export_is_gone(viewer: Any, start: Start) -> None:
    path = start()["file"]
    viewer.user.groups.clear()
    assert viewer.get(path).status_code == 403


def test_a_file_that_is_not_there_says_why(viewer: Client, start: Start) -> None:
    job = start()
    path = job["file"]
    files.remove(ExportJob.objects.get())
    assert viewer.get(path).status_code == 410
    ExportJob.objects.update(state=State.EXPIRED)
    gone = viewer.get(path)
    assert (gone.status_code, gone.json()["error"][:35]) == (410, "The file was kept for 24 hours and ")
    ExportJob.objects.update(state=State.WAITING, ended_at=None, rows=0)
    assert (viewer.get(path).status_code, viewer.get(path).json()["error"][:30]) == (
        409,
        "The file is not ready: 0 % is ",
    )


def test_deleting_cancels_and_removes_the_file(
    viewer: Client, start: Start, django_capture_on_commit_callbacks: Any
) -> None:
    job = start()
    with django_capture_on_commit_callbacks(execute=True):
        assert viewer.delete(f"/api/exports/{job['id']}").status_code == 204
    assert viewer.get(f"/api/exports/{job['id']}").status_code == 404
    assert list(files.folder().iterdir()) == []


def test_who_keeps_too_many_files_is_told(viewer: Any, start: Start) -> None:
    over = {"state": State.DONE, "ended_at": clock.now(), "total": 0, "kind": "csv"}
    ExportJob.objects.bulk_create(ExportJob(owner=viewer.user, **over) for _ in range(KEPT_MAX))
    answer = viewer.post("/api/exports", {}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"][:18]) == (409, f"You keep {KEPT_MAX} files.")
    assert viewer.post("/api/exports", {"format": "xls"}, content_type="application/json").status_code == 400
