"""A rolling restart: the code that lies there now takes over from the running one, and no request is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from project import children
from project.listening import LEAVE_SECONDS, LONGEST_REQUEST
from project.supervisor import Program, Supervisor

START_SECONDS = 120.0  # a new web server that cannot serve by then is given up


class WebServer(Program):
    """`command` on the socket `listener`; knows when all of its `processes` can serve."""

    def __init__(self, command: Sequence[str], folder: Path | None, listener: int, processes: int) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)  # its signature
        os.set_blocking(self._write, False)
        self._missing = processes
        told = ["--fd", str(listener), "--ready-fd", str(self._write)]
        super().__init__("web", [*command, *told], folder, fds=(listener, self._write))

    def ready(self) -> bool:
        """Whether all its processes can serve."""
        with suppress(BlockingIOError):  # nothing new
            self._missing -= len(os.read(self._read, 1024))
        return self._missing <= 0

    def close(self) -> None:
        """Close our ends of its pipe."""
        os.close(self._read)
        os.close(self._write)


class Rollout:
    """Replaces the running programs one after the other. What cannot start leaves the old ones running.

    Both mappings have the keys web, worker and beat; `prepare` brings the tables up to date, and `longest_task` is what
    the old worker gets to finish, in seconds.
    """

    def __init__(self, supervisor: Supervisor, say: Callable[[str], object], longest_task: float) -> None:
        self._supervisor = supervisor
        self._say = say
        self._longest_task = longest_task

    def steps(
        self, prepare: Program, old: Mapping[str, Program], new: Mapping[str, Program]
    ) -> Generator[None, None, bool]:
        """Do it, yielding while something has to be waited for; returns whether the new ones run now."""
        self._say("Restarting; pages are answered meanwhile …")
        ready = False
        try:
            ready = (yield from self._prepared(prepare)) and (yield from self._serving(new["web"]))
        finally:  # also when we are told to stop meanwhile
            if not ready:
                _end(new["web"])
                new["web"].close()
        if not ready:
            return False
        self._supervisor.watch(new["web"])
        self._supervisor.retire(old["web"], signal.SIGQUIT, LEAVE_SECONDS + LONGEST_REQUEST)
        self._supervisor.start(new["worker"])
        self._supervisor.retire(old["worker"], signal.SIGTERM, self._longest_task)
        self._supervisor.retire(old["beat"], signal.SIGTERM, LEAVE_SECONDS)
        while self._supervisor.retiring(old["beat"]):  # both would write the same schedule
            yield
        self._supervisor.start(new["beat"])
        self._say("Restarted. What was begun before is still brought to its end.")
        return True

    def _prepared(self, prepare: Program) -> Generator[None, None, bool]:
        if not self._started(prepare):
            return False
        try:
            while prepare.running():
                yield
        finally:  # also when we are told to stop meanwhile
            code = _end(prepare)
        if code:
            self._say(f"Not restarted: the new version could not prepare its data{_see(prepare)}. The old one goes on.")
        return code == 0

    def _serving(self, web: Program) -> Generator[None, None, bool]:
        if not self._started(web):
            return False
        deadline = time.monotonic() + START_SECONDS
        ready = False
        while web.running() and time.monotonic() < deadline and not (ready := web.ready()):
            yield
        if not ready:
            self._say(f"Not restarted: the new web server does not start{_see(web)}. The old one goes on.")
        return ready

    def _started(self, program: Program) -> bool:
        """Whether the system let us start it: it may have no memory or no process left."""
        try:
            program.start()
        except OSError as error:
            self._say(f"Not restarted: {program.name} cannot be started ({error.strerror}). The old version goes on.")
            return False
        return True


def _end(program: Program) -> int:
    """End what lives of `program`; its exit code."""
    if program.process is None:
        return 0
    children.kill(program.process)
    return program.process.returncode


def _see(program: Program) -> str:
    return f"; {program.folder / program.name}.log says why" if program.folder is not None else ""
