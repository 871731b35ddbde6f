"""A process reports itself: what it is, what it takes, and which number it has among its kind."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from perf.sizes import processes
from perf.sizes.slots import slot

ROOT = Path(__file__).resolve().parents[3]
HOLD = "from perf.sizes.slots import slot; print(slot('test'), flush=True); input()"


@pytest.mark.parametrize(
    ("argv", "kind"),
    [
        (["/x/granian/__main__.py", "--interface", "wsgi", "project.wsgi:application"], "web"),
        (["/x/project/web.py", "--workers", "2"], "web"),
        (["/usr/bin/gunicorn", "project.wsgi"], "web"),
        (["manage.py", "runserver", "127.0.0.1:8000"], "web"),
        (["/x/celery/__main__.py", "--app", "project", "--quiet", "worker", "--concurrency", "3"], "worker"),
        (["celery", "-A", "project", "beat"], "beat"),
        (["celery", "-A", "project", "inspect", "ping"], "command"),
        (["manage.py", "scrape"], "command"),
        (["pytest"], "command"),
        ([], "command"),
    ],
)
def test_kind_of_a_process_is_seen_in_its_command(argv: list[str], kind: str) -> None:
    assert processes.kind_of(argv) == kind


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
@pytest.mark.req("B116")
def test_process_tells_its_memory_threads_files_and_time(tmp_path: Path) -> None:
    before = processes.measure()
    with (tmp_path / "one more").open("w"):
        ballast = bytearray(50 * 2**20)
        ballast[:: os.sysconf("SC_PAGE_SIZE")] = b"x" * len(ballast[:: os.sysconf("SC_PAGE_SIZE")])
        during = processes.measure()
    assert before.memory is not None
    assert during.memory is not None
    assert during.memory - before.memory == pytest.approx(len(ballast), rel=0.2)
    assert (during.files or 0) - (before.files or 0) == 1
    assert during.pid == os.getpid()
    assert (during.threads or 0) >= 1
    assert during.cpu_seconds > 0
    assert during.uptime is not None
    assert during.uptime >= (before.uptime or 0) > 0


def test_elsewhere_than_on_linux_what_is_not_known_is_none(tmp_path: Path) -> None:
    found = processes.measure(tmp_path)
    assert (found.memory, found.threads, found.files, found.uptime) == (None, None, None, None)
    assert found.cpu_seconds > 0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of this test's own, where numbers are taken."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def start(folder: Path) -> tuple[subprocess.Popen[str], int]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    return child, int(child.stdout.readline())


def test_processes_of_a_kind_take_the_lowest_free_number_and_leave_it_when_they_are_killed(folder: Path) -> None:
    first, one = start(folder)
    second, two = start(folder)
    first.kill()
    first.wait()
    third, three = start(folder)
    second.kill()
    third.kill()
    for child in (second, third):
        child.wait()
    assert (one, two, three) == (1, 2, 1)


def test_forked_child_takes_a_number_of_its_own(folder: Path) -> None:
    mine = slot("forked")
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, str(slot("forked")).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert (mine, int(os.read(read, 10)), slot("forked")) == (1, 2, 1)
