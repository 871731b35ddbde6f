"""Exports that a worker writes: whole, resumed, refused by the disk, unwanted."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Callable
from time import monotonic
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import Account
from perf import clock
from snapshots import tasks
from snapshots.exports import files, jobs, reading, writing
from snapshots.exports.asking import OPEN_MAX, Refused, ask, take_back
from snapshots.exports.filters import ExportFilters
from snapshots.exports.jobs import ExportJob, State
from snapshots.recording import Sighting, record

both = pytest.mark.both_dbs
pytestmark = pytest.mark.django_db


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows at once, so that a few days make many chunks."""
    monkeypatch.setattr(reading, "ROWS_AT_ONCE", 10)


@pytest.fixture
def wanted(viewer: Any, many_days: Any) -> Callable[..., ExportJob]:
    """Asks, as the viewer, for an export of ten accounts' ten days."""
    many_days(days=10)

    def make(kind: str = "csv", compressed: bool = False, **filters: Any) -> ExportJob:
        return ask(kind, ExportFilters.model_validate(filters), viewer.user, compressed=compressed)

    return make


def write_all() -> None:
    while writing.write_some(monotonic() + 10):
        pass


def streamed(viewer: Client, query: str) -> bytes:
    response: Any = viewer.get(f"/api/export.{query}")
    return b"".join(response.streaming_content)


def lapse() -> None:
    """What a killed worker leaves: nobody renews its lease."""
    ExportJob.objects.update(leased_until=clock.db_now(-dt.timedelta(seconds=1)))


@both
def test_the_file_is_the_stream(viewer: Client, wanted: Any) -> None:
    made = [wanted("csv"), wanted("ndjson", compressed=True, fields="handle,date", q="h1")]
    write_all()
    for job in made:
        job.refresh_from_db()
        assert (job.state, job.rows, job.percent) == (State.DONE, job.total, 100)
        assert job.size == files.path_of(job).stat().st_size
    assert files.path_of(made[0]).read_bytes() == streamed(viewer, "csv")
    unpacked = gzip.decompress(files.path_of(made[1]).read_bytes())
    assert unpacked == streamed(viewer, "ndjson?fields=handle,date&q=h1")


@both
def test_an_interrupted_file_goes_on_from_its_last_whole_chunk(wanted: Any, small_chunks: None) -> None:
    job = wanted("json")
    writing.write_some(until=0.0)  # one chunk, and the turn is over
    job.refresh_from_db()
    assert (job.state, job.rows, job.leased_until) == (State.RUNNING, 10, None)
    with files.part_of(job) as part:
        part.write(b'{"half a ro')  # as much as the killed worker had written since
    day_before = clock.today() - dt.timedelta(days=40)
    account = Account.objects.values_list("pk", flat=True)[0]
    record([Sighting(account, day_before, clock.now(), "observed", followers=1)])  # beyond the last row
    write_all()
    found = orjson.loads(files.path_of(job).read_bytes())
    rows = [(row["handle"], row["date"]) for row in found["data"]]
    assert len(set(rows)) == len(rows) == found["total_records"] == 101


@both
def test_a_file_whose_order_may_change_is_written_in_one_turn(viewer: Client, wanted: Any, small_chunks: None) -> None:
    job = wanted("csv", day=clock.today().isoformat(), sort="-followers", fields="handle")
    writing.write_some(until=0.0)
    assert files.path_of(job).read_bytes() == streamed(viewer, f"csv?day={clock.today()}&sort=-followers&fields=handle")


def test_a_lost_part_is_begun_anew(viewer: Client, wanted: Any, small_chunks: None) -> None:
    job = wanted()
    writing.write_some(until=0.0)
    files.path_of(job).with_suffix(".part").unlink()
    write_all()
    assert files.path_of(job).read_bytes() == streamed(viewer, "csv")


def test_exports_take_turns_one_at_a_time(wanted: Any, small_chunks: None) -> None:
    first, second = wanted("csv"), wanted("json")
    assert writing.write_some(until=0.0)
    writing.write_some(until=0.0)
    assert [job.rows for job in ExportJob.objects.filter(pk__in=[first.pk, second.pk])] == [10, 10]
    assert ExportJob.objects.claim() is not None
    assert ExportJob.objects.claim() is None, "one is being written"
    with clock.shifted(-dt.timedelta(days=1)):  # the database's clock was put back, and its writer may be dead
        assert ExportJob.objects.claim() is not None


def test_a_worker_that_lost_its_turn_writes_no_more(wanted: Any, small_chunks: None) -> None:
    wanted()
    stalled = ExportJob.objects.claim()
    lapse()
    assert stalled is not None
    with files.part_of(stalled):  # still alive after all, it holds the file
        assert writing.write_some(monotonic() + 10), "the other leaves it alone and the export stays due"
        assert not stalled.save_progress()
    write_all()
    assert ExportJob.objects.get().state == State.DONE


def test_cancelling_stops_the_writer_and_leaves_no_file(viewer: Any, wanted: Any, small_chunks: None) -> None:
    wanted()
    stopped: list[int] = []
    before = files.settle

    def cancelled_meanwhile(part: Any) -> int:
        if not stopped:
            stopped.append(1)
            ExportJob.objects.all().delete()
        return before(part)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "settle", cancelled_meanwhile)
        assert not writing.write_some(monotonic() - 1)
    assert stopped
    assert list(files.folder().iterdir()) == []


def test_a_full_disk_fails_with_a_sentence_and_no_half_file(wanted: Any) -> None:
    job = wanted()
    files.path_of(job).with_suffix(".part").symlink_to("/dev/full")  # takes everything and keeps nothing
    assert not writing.write_some(monotonic() + 10)
    job.refresh_from_db()
    assert job.state == State.FAILED
    assert job.error.startswith("The server's disk is full. Nothing was kept")
    assert list(files.folder().iterdir()) == []


def test_a_turn_that_always_ends_the_same_way_is_given_up(wanted: Any) -> None:
    job = wanted()
    for _ in range(jobs.TRIES_MAX):
        assert ExportJob.objects.claim() is not None
        lapse()
    assert ExportJob.objects.claim() is None
    job.refresh_from_db()
    assert (job.state, job.error) == (State.FAILED, jobs.STUCK)


def test_who_may_no_longer_export_gets_no_file(viewer: Any, wanted: Any) -> None:
    job = wanted()
    viewer.user.groups.remove(Group.objects.get(name="viewer"))
    write_all()
    job.refresh_from_db()
    assert (job.state, job.error) == (State.FAILED, writing.NOT_ALLOWED)
    assert list(files.folder().iterdir()) == []


@both
def test_asking_twice_is_one_export_and_a_third_is_refused(wanted: Any) -> None:
    assert wanted("csv") == wanted("csv")
    wanted("json")
    with pytest.raises(Refused, match=f"You have {OPEN_MAX} exports under way"):
        wanted("ndjson")


@both
def test_a_file_is_kept_for_a_day_and_strays_for_an_hour(
    wanted: Any, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    job = wanted()
    write_all()
    (files.folder() / "nobodys").write_bytes(b"x")
    assert files.expire() == 0
    with clock.shifted(dt.timedelta(hours=settings.EXPORT_KEEP_HOURS, seconds=1)):
        tasks.expire_exports()
    job.refresh_from_db()
    assert (job.state, list(files.folder().iterdir())) == (State.EXPIRED, [])


def test_a_deleted_export_takes_its_file_along(
    viewer: Any, wanted: Any, django_capture_on_commit_callbacks: Any
) -> None:
    job = wanted()
    write_all()
    with django_capture_on_commit_callbacks(execute=True):
        take_back(job, viewer.user)
    assert list(files.folder().iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [{"state": "lost"}, {"state": "failed"}, {"kind": "xls"}, {"ended_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}],
)
def test_the_database_refuses_states_that_cannot_be(wanted: Any, wrong: dict[str, Any]) -> None:
    job = wanted()
    with pytest.raises(IntegrityError), transaction.atomic():
        ExportJob.objects.filter(pk=job.pk).update(**wrong)
