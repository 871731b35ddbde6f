"""Flushing: in the background, in turns, after a fork and at the end of a process."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.db import connections

from perf import clock, flushing, reading, recording, storing
from perf.models import Arrival, Turn
from tests import processes

FLUSHING = "tests.perf.other_process_flushing"


@pytest.fixture
def works(monkeypatch) -> None:
    """No works but those of the test, and no drains."""
    monkeypatch.setattr(flushing, "_works", {})
    monkeypatch.setattr(flushing, "_drains", [])


def due_now() -> None:
    """Pretend that this process looked long ago."""
    for work in flushing._works.values():
        work.due = 0.0


@pytest.mark.both_dbs
def test_a_periodic_work_is_done_once_a_period_whoever_comes(db, works):
    done = []
    flushing.periodically("sample", 60, lambda: done.append(clock.now()))
    for _ in range(3):  # as three processes would
        flushing.flush()
        due_now()
    assert len(done) == 1
    with clock.shifted(timedelta(seconds=61)):
        flushing.flush()
        due_now()
        flushing.flush()
    assert len(done) == 2
    with clock.shifted(timedelta(hours=-1)):  # the database's clock was put back
        for _ in range(2):
            due_now()
            flushing.flush()
    assert len(done) == 3
    assert Turn.objects.get().name == "sample"


def test_without_monitoring_nobody_takes_a_turn(works, settings):
    """A worker's child flushes as it ends, whatever is set."""
    settings.ENABLE_MONITORING = False
    flushing.periodically("sample", 60, lambda: pytest.fail("worked"))
    flushing.every(lambda: pytest.fail("drained"))
    flushing.flush()


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_takes_the_turn(works):
    done, start = [], threading.Barrier(4)
    flushing.periodically("sample", 60, lambda: done.append(1))
    (work,) = flushing._works.values()

    def take() -> None:
        start.wait()
        flushing._in_turn(work)
        connections.close_all()

    for _ in range(2):
        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert done == [1]


def test_a_drain_that_fails_is_told_once_and_keeps_nobody_else_from_work(db, works, caplog):
    done = []

    def broken() -> None:
        raise LookupError("no such thing")

    flushing.every(broken)
    flushing.every(lambda: done.append(1))
    flushing.flush()
    flushing.flush()
    told = [line.getMessage() for line in caplog.records if line.name == "perf.flushing"]
    assert (len(done), len(told)) == (2, 1)
    assert "LookupError: no such thing" in told[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_dbs
@pytest.mark.req("A107")
def test_a_process_passes_on_what_it_recorded_in_time_and_at_its_end():
    """By its own thread, or as it ends; a child has only what it recorded itself."""
    done = subprocess.run(
        [sys.executable, "-m", FLUSHING],
        env=processes.environment(
            PERF_FLUSH_SECONDS="0.9", SLOW_QUERY_THRESHOLD="60", DJANGO_SETTINGS_MODULE="project.settings"
        ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    counted = {labels.get("by"): many for labels, many in reading.counts("visits", reading.window("1h")).items()}
    assert counted == {"parent": 2, "child that ends": 3, "child that flushes": 4}


@pytest.mark.django_db(transaction=True)
def test_what_arrives_while_it_is_rolled_up_counts_once():
    """Two write without a pause while a third rolls up: the lock keeps them apart, and every count arrives once."""
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            storing.store().append({minute: {("c", "visits"): {storing.Labels(): storing.Count(1)}}})
            written.append(1)
        connections.close_all()

    def roll() -> None:
        try:
            for _ in range(6):
                storing.roll_up()
        finally:
            stop.set()
            connections.close_all()

    minute, written = clock.now().replace(second=0, microsecond=0), []
    threads = [threading.Thread(target=work) for work in (write, write, roll)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    storing.roll_up()
    assert not Arrival.objects.exists()
    assert sum(reading.counts("visits", reading.window("24h")).values()) == len(written) > 0


def test_tests_flush_only_when_they_ask(db):
    recording.count("visits")
    assert flushing._own.thread is None
    assert not Arrival.objects.exists()
