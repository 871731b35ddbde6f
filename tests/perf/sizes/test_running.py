"""Processes and machines as they reported themselves: shares of time, silence, and what is said of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from perf import clock, flushing
from perf.recording import gauge
from perf.sizes.running import processes, share

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 22, 12, tzinfo=clock.now().tzinfo)


def every_minute(*values: float) -> list[tuple[datetime, float]]:
    return [(START + timedelta(minutes=number), value) for number, value in enumerate(values)]


def report(minutes: int, kind: str = "web", number: int = 1, **levels: float) -> None:
    """What a process said of itself that many minutes ago."""
    with clock.shifted(timedelta(minutes=-minutes)):
        for name, value in levels.items():
            gauge(f"process.{name}", value, kind=kind, host="a", number=str(number))
        flushing.flush()


def test_share_of_time_is_of_the_last_ten_minutes() -> None:
    busy = every_minute(*[0.0] * 10, *[6.0 * number for number in range(11)])
    assert share(busy, every_minute(*[60.0 * number for number in range(21)])) == pytest.approx(0.1)


def test_share_begins_anew_where_another_process_took_the_number() -> None:
    assert share(every_minute(500, 530, 1, 31), every_minute(5_000, 5_060, 2, 62)) == pytest.approx(0.5)
    assert share(every_minute(500, 530, 1), every_minute(5_000, 5_060, 2)) is None


def test_share_is_not_known_from_one_look_or_none() -> None:
    assert share(every_minute(1), every_minute(2)) is None
    assert share([], []) is None


@pytest.mark.req("B116")
def test_processes_that_run_stand_apart_from_those_that_fell_silent() -> None:
    report(2, cpu_seconds=10, uptime_seconds=100, memory_bytes=50_000_000, pid=7)
    report(0, cpu_seconds=16, uptime_seconds=220, memory_bytes=80_000_000, pid=7, threads=8, files=30, files_limit=100)
    report(20, kind="worker", pid=8, memory_bytes=1)
    shown = processes("1h")
    [web], [worker] = shown.running, shown.ended
    assert (web.name, web.host, web.pid, web.threads, web.files) == ("web 1", "a", 7, 8, 30)
    assert web.cpu == pytest.approx(0.05)
    assert web.memory is not None
    assert (web.memory.last, web.grown, web.uptime) == (80_000_000, 30_000_000, 220)
    assert (worker.name, worker.cpu, worker.threads) == ("worker 1", None, None)
    assert shown.advice() == []


def test_process_that_keeps_too_many_files_open_is_told_while_it_runs() -> None:
    report(0, files=80, files_limit=100)
    report(20, number=2, files=99, files_limit=100)
    [advice] = processes("1h").advice()
    assert advice.text.startswith("web 1 on a has 80 of at most 100 files")


@pytest.mark.req("B116")
def test_machine_is_shown_with_its_share_of_time_memory_and_disks() -> None:
    for minutes, busy in ((3, 100.0), (0, 457.0)):
        with clock.shifted(timedelta(minutes=-minutes)):
            known = {"cpus": 2, "busy_seconds": busy, "all_seconds": 1_000 + (3 - minutes) * 120.0, "load": 3.5}
            for name, value in (known | {"memory_bytes": 1_000, "available_bytes": 600 - minutes}).items():
                gauge(f"host.{name}", value, host="a")
            gauge("disk.bytes", 1_000, host="a", use="uploaded files", path="/media")
            gauge("disk.free_bytes", 300, host="a", use="uploaded files", path="/media")
            flushing.flush()
    shown = processes("1h")
    [machine] = shown.machines
    assert machine.cpu == pytest.approx(357 / 360)
    assert (machine.host.cpus, machine.host.load, machine.host.memory, machine.host.available) == (2, 3.5, 1_000, 600)
    assert machine.memory is not None
    assert machine.memory.least == 597
    assert [(disk.use, disk.free, disk.total) for disk in machine.host.disks] == [("uploaded files", 300, 1_000)]
    assert [one.text.partition(":")[0] for one in shown.advice()] == [
        "a's processors were 99.2\N{NO-BREAK SPACE}% busy over the last minutes"
    ]
