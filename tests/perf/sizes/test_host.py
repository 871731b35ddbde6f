"""The machine as /proc tells it, the limits of a container, and what is said when something runs out."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from perf.sizes import host
from perf.sizes.host import Disk, Host

pytestmark = pytest.mark.django_db

MB = 2**20
STAT = "cpu  100 20 30 800 50 0 0 0 7 0\ncpu0 50 10 15 400 25 0 0 0 0 0\n"
MEMINFO = "MemTotal:       1024000 kB\nMemFree:  1000 kB\nMemAvailable:    512000 kB\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine of 1,000 MB, half of it free, busy for 1.5 s of 10."""
    put(tmp_path, "proc/stat", STAT)
    put(tmp_path, "proc/meminfo", MEMINFO)
    put(tmp_path, "proc/loadavg", "1.25 1.00 0.50 2/300 4242\n")
    return tmp_path


def put(root: Path, name: str, content: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(content)


@pytest.mark.req("B116")
def test_machine_tells_processors_load_and_memory(root: Path) -> None:
    found = host.measure(root)
    assert (found.busy_seconds, found.all_seconds, found.load) == (1.5, 10.0, 1.25)
    assert (found.memory, found.available) == (1_000 * MB, 500 * MB)


@pytest.mark.parametrize(
    ("limit", "used", "name", "reclaimable"),
    [
        ("memory.max", "memory.current", "", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory/", "total_inactive_file"),
    ],
)
def test_container_has_the_memory_it_is_given(root: Path, limit: str, used: str, name: str, reclaimable: str) -> None:
    folder = f"sys/fs/cgroup/{name}"
    put(root, f"{folder}{limit}", f"{200 * MB}\n")
    put(root, f"{folder}{used}", f"{150 * MB}\n")
    put(root, f"{folder}memory.stat", f"anon 1\n{reclaimable} {20 * MB}\n")
    found = host.measure(root)
    assert (found.memory, found.available) == (200 * MB, 70 * MB)


def test_container_without_a_limit_has_the_machines(root: Path) -> None:
    put(root, "sys/fs/cgroup/memory.max", "max\n")
    put(root, "sys/fs/cgroup/memory.current", "1000\n")
    assert host.measure(root).memory == 1_000 * MB


def test_elsewhere_than_on_linux_what_is_not_known_is_none(tmp_path: Path) -> None:
    found = host.measure(tmp_path)
    assert (found.busy_seconds, found.load, found.memory, found.available) == (None, None, None, None)
    assert found.cpus >= 1
    assert found.advice() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
@pytest.mark.req("B116")
def test_this_machine_is_read() -> None:
    found = host.measure()
    assert found.memory is not None
    assert found.available is not None
    assert found.busy_seconds is not None
    assert found.all_seconds is not None
    assert 0 < found.available < found.memory
    assert 0 < found.busy_seconds < found.all_seconds
    assert [(disk.use.endswith("uploaded files"), 0 < disk.free < disk.total) for disk in found.disks] == [(True, True)]


@pytest.mark.parametrize(("free", "levels"), [(11, []), (9, ["attention"]), (4, ["wrong"])])
def test_disk_that_fills_up_is_told_before_nothing_can_be_stored(free: int, levels: list[str]) -> None:
    found = Host("a", 1, disks=[Disk("uploaded files", "/media", 100 * MB, free * MB)])
    assert [one.level for one in found.advice()] == levels


def test_little_memory_left_is_told() -> None:
    assert Host("a", 1, memory=500 * MB, available=50 * MB).advice() == []
    [advice] = Host("a", 1, memory=500 * MB, available=49 * MB).advice()
    assert "a has 49.0 MiB of 500 MiB memory left" in advice.text.replace("\N{NO-BREAK SPACE}", " ")
