"""A worker that is killed while it writes an export: the file is the same in the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from django.test import Client

from perf import clock
from snapshots import tasks
from snapshots.exports import files, reading, writing
from snapshots.exports.asking import ask
from snapshots.exports.filters import ExportFilters
from snapshots.exports.jobs import ExportJob, State
from snapshots.models import Snapshot
from tests import factories

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

DAYS, SECONDS = 1_500, 30


@pytest.fixture
def viewer(transactional_db: None) -> Any:
    client: Any = Client()
    client.user = factories.user("viewer", password=None)
    client.force_login(client.user)
    return client


@pytest.fixture
def job(viewer: Any) -> ExportJob:
    """An export of 15,000 rows, of which a first turn has written a thousand."""
    accounts = [factories.account() for _ in range(10)]
    known = {"observed_at": clock.now(), "source": "observed", "followers": 5}
    days = [clock.today() - timedelta(days=ago) for ago in range(DAYS)]
    Snapshot.objects.bulk_create(Snapshot(account=one, date=day, **known) for one in accounts for day in days)
    asked = ask("csv", ExportFilters(), viewer.user)
    writing.write_some(until=0.0)
    return ExportJob.objects.get(pk=asked.pk)


def wait_for(what: Callable[[], bool], pause: float) -> None:
    deadline = monotonic() + SECONDS
    while not what():
        assert monotonic() < deadline
        time.sleep(pause)


def test_a_killed_workers_file_is_the_same_in_the_end(viewer: Any, job: ExportJob, worker: Any, settings: Any) -> None:
    assert (job.state, job.rows) == (State.RUNNING, reading.ROWS_AT_ONCE)
    part, folder = files.path_of(job).with_suffix(".part"), {"MEDIA_ROOT": str(settings.MEDIA_ROOT)}
    doomed = worker("exports", **folder)
    os.setpriority(os.PRIO_PGRP, doomed.popen.pid, 19)  # or a busy machine lets it end before we look
    tasks.write_exports.apply_async(queue="exports")
    wait_for(lambda: part.stat().st_size > job.size, 0)
    doomed.kill()
    left = ExportJob.objects.get()
    assert (left.state, left.size < part.stat().st_size) == (State.RUNNING, True), "killed in the middle"
    ExportJob.objects.update(leased_until=clock.db_now())  # as after half a minute
    worker("exports", **folder)
    tasks.write_exports.apply_async(queue="exports")
    wait_for(lambda: ExportJob.objects.get().state == State.DONE, 0.05)
    streamed: Any = viewer.get("/api/export.csv")
    assert files.path_of(job).read_bytes() == b"".join(streamed.streaming_content)
    assert ExportJob.objects.get().rows == 10 * DAYS
