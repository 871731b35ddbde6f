"""The supervisor: who dies is started again, ever later when that does not help, and all stop within seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from project.supervisor import GRACE, LONGEST_WAIT, Program, Supervisor


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(clock: Clock, said: list[str]) -> Iterator[Supervisor]:
    made = Supervisor({}, said.append, clock)
    yield made
    made.stop()


def kill(program: Program) -> None:
    assert program.process is not None
    program.process.kill()
    program.process.wait()


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_dead_program_is_started_again_at_once(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    program = Program("worker", ["sleep", "60"], tmp_path)
    supervisor.start(program)
    kill(program)
    supervisor.tick()
    assert program.running()
    assert said == ["worker stopped (exit code -9); starting it again now."]


def test_program_that_the_system_does_not_start_is_tried_again(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    missing = tmp_path / "worker.sh"
    program = Program("worker", [str(missing)], tmp_path)
    supervisor.start(program)
    assert said == [f"worker: [Errno 2] No such file or directory: '{missing}'"]
    missing.write_text("#!/bin/sh\nsleep 60\n")
    missing.chmod(0o700)
    supervisor.tick()
    assert program.running()


def test_program_that_keeps_dying_is_tried_ever_later(
    supervisor: Supervisor, clock: Clock, said: list[str], tmp_path: Path
) -> None:
    program = Program("worker", ["false"], tmp_path)
    supervisor.start(program)
    for _ in range(8):
        assert program.process is not None
        program.process.wait()
        supervisor.tick()
        clock.now += LONGEST_WAIT
        supervisor.tick()
    waits = [line.rpartition("again ")[2] for line in said]
    assert waits == ["now.", "in 1 s.", "in 2 s.", "in 4 s.", "in 8 s.", "in 16 s.", "in 30 s.", "in 30 s."]


def test_program_is_not_started_before_its_time(supervisor: Supervisor, clock: Clock, tmp_path: Path) -> None:
    program = Program("worker", ["sleep", "60"], tmp_path)
    supervisor.start(program)
    for _ in range(2):
        kill(program)
        supervisor.tick()
    assert not program.running()
    clock.now += 1
    supervisor.tick()
    assert program.running()


def test_long_life_makes_up_for_earlier_deaths(supervisor: Supervisor, clock: Clock, tmp_path: Path) -> None:
    program = Program("worker", ["sleep", "60"], tmp_path)
    supervisor.start(program)
    for _ in range(4):
        kill(program)
        clock.now += 61
        supervisor.tick()
        assert program.running()


def test_what_a_dead_program_left_behind_is_ended(supervisor: Supervisor, tmp_path: Path) -> None:
    program = Program("web", ["sh", "-c", "sleep 60 & echo $!; wait"], tmp_path)
    supervisor.start(program)
    log = tmp_path / "web.log"
    while not log.read_text():
        time.sleep(0.01)
    left = int(log.read_text())
    kill(program)
    assert alive(left)
    supervisor.tick()
    deadline = time.monotonic() + 5
    while alive(left) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(left)


def test_output_goes_to_the_programs_own_log(supervisor: Supervisor, tmp_path: Path) -> None:
    program = Program("worker", ["echo", "ready"], tmp_path / "log")
    supervisor.start(program)
    assert program.process is not None
    program.process.wait()
    assert (tmp_path / "log" / "worker.log").read_text() == "ready\n"


def test_long_log_is_put_aside_while_its_program_writes_on(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it runs: its two logs together stay as short as they may be."""
    monkeypatch.setattr("project.supervisor.MAX_LOG_BYTES", 1_000)
    log, aside = tmp_path / "web.log", tmp_path / "web.old.log"
    supervisor.start(program := Program("web", ["sh", "-c", "while :; do echo a line; sleep 0.001; done"], tmp_path))
    for _ in range(2):  # the second time in the place of the first
        aside.unlink(missing_ok=True)
        while not aside.exists():
            supervisor.tick()
            time.sleep(0.005)
        assert aside.stat().st_size > 1_000 > log.stat().st_size
    kill(program)
    assert set(log.read_text().split("\n")) <= {"a line", ""}  # it appends: no hole before what it wrote since


def test_stop_ends_even_what_ignores_it(said: list[str], tmp_path: Path) -> None:
    supervisor = Supervisor({}, said.append)
    deaf = Program("deaf", ["sh", "-c", "trap '' TERM; echo deaf; sleep 60 & wait; sleep 60"], tmp_path)
    supervisor.start(deaf)
    while "deaf" not in (tmp_path / "deaf.log").read_text():
        time.sleep(0.01)
    supervisor.stop()
    assert not deaf.running()
    assert GRACE < 5
