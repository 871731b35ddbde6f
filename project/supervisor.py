"""Keeps the product's processes running: starts them in order, restarts what dies, stops all within seconds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from project import children
from project.embedded import Postgres, StartRefused, Valkey

LONGEST_WAIT = 30.0  # seconds between two attempts to restart the same process
STEADY = 60.0  # a process that lived this long starts again at once
GRACE = 4.0  # seconds that all processes together get to end by themselves
MAX_LOG_BYTES = 10_000_000  # of one log, and of the one before it: strangers write into them, with every odd request


@dataclass
class Program:
    """One of our commands, its output in `folder`/<name>.log, or on the terminal without a folder."""

    name: str
    command: Sequence[str]
    folder: Path | None
    fds: tuple[int, ...] = ()  # of ours that it inherits
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its environment is ours."""
        if self.folder is None:
            self.process = children.spawn(self.command, fds=self.fds)
            return
        try:
            log = self._log(self.folder)
        except OSError:  # a full or read-only disk: what it writes goes to the terminal rather than nowhere
            self.process = children.spawn(self.command, fds=self.fds)
            return
        with log:
            self.process = children.spawn(self.command, output=log, fds=self.fds)

    def _log(self, folder: Path) -> IO[bytes]:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / f"{self.name}.log").open("ab")

    def shorten_log(self) -> None:
        """Put what a long log holds aside, in the place of what was put aside before; its writers go on in it.

        They append, so they need not be told; a line written meanwhile is lost. A disk that refuses is asked again.
        """
        if self.folder is None:
            return
        path = self.folder / f"{self.name}.log"
        with suppress(OSError):
            if path.stat().st_size > MAX_LOG_BYTES:
                aside = path.with_suffix(".old.log")
                aside.unlink(missing_ok=True)  # a disk that is full has room then
                shutil.copyfile(path, aside)
                os.truncate(path, 0)

    def running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None

    def ready(self) -> bool:
        """Whether it can do its work, as far as it tells."""
        return self.running()

    def close(self) -> None:
        """Give up what it holds, once it has ended for good."""


@dataclass
class _Watched:
    """A process under supervision and how often it failed lately."""

    name: str
    subject: Program | Valkey | Postgres
    started_at: float = 0.0
    failures: int = 0
    restart_at: float | None = field(default=None)


@dataclass
class _Retired:
    """A process that was asked to end when its work is done, and when it has had long enough for that."""

    program: Program
    kill_at: float


class Supervisor:
    """Watches services that run already and programs that it starts itself."""

    def __init__(
        self,
        services: dict[str, Valkey | Postgres],
        say: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._clock = clock
        self._programs: list[Program] = []
        self._retired: list[_Retired] = []
        self._watched = [_Watched(name, service, clock()) for name, service in services.items()]

    def start(self, program: Program) -> None:
        """Start one more program and watch it; where the system refuses, the next ticks try again."""
        self.watch(program)
        try:
            program.start()
        except OSError as refusal:
            self._say(f"{program.name}: {refusal}")

    def watch(self, program: Program) -> None:
        """Restart `program`, which runs, when it dies."""
        self._programs.append(program)
        self._watched.append(_Watched(program.name, program, self._clock()))

    def tick(self) -> None:
        """Notice who has died and restart whose time has come. Call it a few times a second."""
        for retired in list(self._retired):
            self._let_go(retired)
        for program in self._programs:
            program.shorten_log()
        for watched in self._watched:
            if watched.restart_at is None and not watched.subject.running():
                self._plan_restart(watched)
            if watched.restart_at is not None and self._clock() >= watched.restart_at:
                self._restart(watched)

    def _plan_restart(self, watched: _Watched) -> None:
        """The first restart is immediate; one that keeps dying waits 1, 2, 4 … seconds."""
        now = self._clock()
        if now - watched.started_at > STEADY:
            watched.failures = 0
        wait = min(2.0 ** (watched.failures - 1), LONGEST_WAIT) if watched.failures else 0.0
        watched.failures += 1
        watched.restart_at = now + wait
        code = None
        if process := watched.subject.process:
            code = process.returncode
            children.kill(process)  # its own children may still hold the port
        when = f"in {wait:.0f} s" if wait else "now"
        self._say(f"{watched.name} stopped (exit code {code}); starting it again {when}.")

    def _restart(self, watched: _Watched) -> None:
        watched.restart_at = None
        watched.started_at = self._clock()
        try:
            watched.subject.start()
        except (StartRefused, OSError) as refusal:  # the next tick tries again, ever later
            self._say(f"{watched.name}: {refusal}")

    def retire(self, program: Program, sig: signal.Signals, within: float) -> None:
        """Ask `program` with `sig` to end when its work is done; kill what lives of it after `within` seconds."""
        self._programs.remove(program)
        self._watched = [watched for watched in self._watched if watched.subject is not program]
        if program.process is not None and program.running():
            program.process.send_signal(sig)
        self._retired.append(_Retired(program, self._clock() + within))

    def retiring(self, program: Program) -> bool:
        """Whether `program` was retired and still lives."""
        return any(retired.program is program for retired in self._retired)

    def _let_go(self, retired: _Retired) -> None:
        if retired.program.running() and self._clock() < retired.kill_at:
            return
        if retired.program.process is not None:
            children.kill(retired.program.process)
        retired.program.close()
        self._retired.remove(retired)

    def stop(self) -> None:
        """Ask all programs to end, in the reverse order of their start; kill those that do not within GRACE."""
        programs = [*self._programs, *(retired.program for retired in self._retired)]
        running = [program.process for program in reversed(programs) if program.process is not None]
        for process in running:
            if process.poll() is None:
                process.terminate()
        deadline = self._clock() + GRACE
        for process in running:
            children.stop(process, grace=max(0.0, deadline - self._clock()))
        for program in programs:
            program.close()
