"""A rolling restart: the new web server takes over once it can serve; what cannot start changes nothing."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from project.listening import listen
from project.rollout import Rollout, WebServer
from project.supervisor import Program, Supervisor

TOLD = "import os, signal, sys, time; signal.signal(signal.SIGQUIT, signal.SIG_DFL); "  # a shell may have it ignored
READY = f"{TOLD}os.write(int(sys.argv[-1]), b'..'); time.sleep(60)"
HALF = "import os, sys; os.write(int(sys.argv[-1]), b'.')"
SECONDS = 30.0


class World:
    """Programs that run, and a rollout of them that is stepped as `up` does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listener = listen("127.0.0.1", 0)
        self.said: list[str] = []
        self.supervisor = Supervisor({}, self.said.append)
        self.old = self.programs(READY)
        for program in self.old.values():
            self.supervisor.start(program)
        self.until(self.old["web"].ready)

    def programs(self, web: str) -> dict[str, Program]:
        """Three programs that do nothing but the web server's telling that it serves."""
        server = WebServer([sys.executable, "-c", web], self.folder, self.listener.fileno(), 2)
        return {"web": server} | {name: Program(name, ["sleep", "60"], self.folder) for name in ("worker", "beat")}

    def roll(self, new: dict[str, Program], prepare: str = "true") -> bool:
        """Whether the rollout of `new` went through."""
        steps = Rollout(self.supervisor, self.said.append, 5.0).steps(
            Program("prepare", [prepare], self.folder), self.old, new
        )
        while True:
            self.supervisor.tick()
            try:
                next(steps)
            except StopIteration as end:
                return bool(end.value)
            time.sleep(0.01)

    def until(self, holds: Callable[[], bool]) -> None:
        """Look after the programs until `holds`."""
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline
            self.supervisor.tick()
            time.sleep(0.01)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.supervisor.stop()
    made.listener.close()


def test_new_programs_run_and_the_old_ones_end(world: World) -> None:
    new = world.programs(READY)
    assert world.roll(new)
    assert all(program.running() for program in new.values())
    world.until(lambda: not any(program.running() for program in world.old.values()))
    assert [program.process and program.process.returncode for program in world.old.values()] == [
        -signal.SIGQUIT,  # which lets the clients of the real one leave first
        -signal.SIGTERM,
        -signal.SIGTERM,
    ]
    assert "stopped (exit code" not in "".join(world.said)  # nobody took a retired one for dead


def test_version_that_cannot_prepare_its_tables_changes_nothing(world: World) -> None:
    new = world.programs(READY)
    assert not world.roll(new, prepare="false")
    assert all(program.running() for program in world.old.values())
    assert all(program.process is None for program in new.values())
    assert world.said[-1] == (
        "Not restarted: the new version could not prepare its data;"
        f" {world.folder / 'prepare'}.log says why. The old one goes on."
    )


def test_restart_that_fails_leaves_nothing_open(world: World) -> None:
    before = pipes()
    assert not world.roll(world.programs(READY), prepare="false")
    assert not world.roll(world.programs(HALF))
    assert pipes() <= before  # fewer, where somebody else's went meanwhile


def pipes() -> set[str]:
    """The pipes of this process, each by its own number."""
    found = set()
    for descriptor in Path("/dev/fd").iterdir():
        with suppress(OSError):  # the one that listed them
            found.add(str(descriptor.readlink()))
    return {name for name in found if name.startswith("pipe:")}


def test_system_that_lets_nothing_start_changes_nothing(world: World) -> None:
    new = world.programs(READY)
    assert not world.roll(new, prepare="/nowhere/at-all")
    assert all(program.running() for program in world.old.values())
    assert world.said[-1] == (
        "Not restarted: prepare cannot be started (No such file or directory). The old version goes on."
    )


def test_version_whose_web_server_dies_changes_nothing(world: World) -> None:
    new = world.programs(HALF)  # one of its two processes came up, then it ended
    assert not world.roll(new)
    assert all(program.running() for program in world.old.values())
    assert new["worker"].process is None
    assert f"the new web server does not start; {world.folder / 'web'}.log says why" in world.said[-1]


def test_version_whose_web_server_hangs_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("project.rollout.START_SECONDS", 0.2)
    new = world.programs("import time; time.sleep(60)")
    assert not world.roll(new)
    assert not new["web"].running()
    assert all(program.running() for program in world.old.values())


def test_stop_in_the_middle_leaves_no_half_started_server(world: World) -> None:
    new = world.programs("import time; time.sleep(60)")
    steps = Rollout(world.supervisor, world.said.append, 5.0).steps(
        Program("prepare", ["true"], world.folder), world.old, new
    )
    world.until(lambda: next(steps, None) is None and new["web"].running())
    steps.close()
    assert not new["web"].running()


def test_retired_program_that_does_not_end_is_killed_in_its_time(world: World) -> None:
    stubborn = Program("worker", ["sh", "-c", "trap '' TERM; echo; while :; do sleep 0.1; done"], world.folder)
    world.supervisor.start(stubborn)
    world.until(lambda: (world.folder / "worker.log").read_text() != "")
    world.supervisor.retire(stubborn, signal.SIGTERM, 0.3)
    world.supervisor.tick()
    assert stubborn.running()
    world.until(lambda: not world.supervisor.retiring(stubborn))
    assert stubborn.process is not None
    assert stubborn.process.returncode == -signal.SIGKILL


def test_socket_of_a_unit_is_taken_over_by_the_process_it_was_meant_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from project.listening import FIRST_INHERITED, inherited

    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_PID", str(os.getppid()))
    assert inherited() is None
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    assert inherited() == FIRST_INHERITED
