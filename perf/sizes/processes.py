"""This process: what it is, its processor time, memory, threads and open files. Each process reports itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perf.sizes import procfs
from perf.sizes.slots import slot

if sys.platform != "win32":
    import resource

WEB, WORKER, BEAT, COMMAND = "web", "worker", "beat", "command"
SERVERS = frozenset(
    {"daphne", "granian", "gunicorn", "hypercorn", "mod_wsgi", "uvicorn", "uwsgi", "waitress-serve", "web"}
)
MANAGED = frozenset({"manage", "django-admin", "django"})


@dataclass(frozen=True, slots=True)
class Process:
    """A process at one moment; None is not known here, since only Linux tells in /proc.

    `kind` is web, worker, beat or command; `number` tells those of a kind on a machine apart and is used again.
    `memory` in bytes is its proportional share (PSS): pages that processes share count once among them.
    `cpu_seconds` since it started, `uptime` seconds ago; `files` open of at most `files_limit`.
    """

    kind: str
    number: int
    pid: int
    cpu_seconds: float
    memory: int | None = None
    threads: int | None = None
    files: int | None = None
    files_limit: int | None = None
    uptime: float | None = None


def measure(root: Path = procfs.ROOT) -> Process:
    """Read it now; PSS takes the kernel a millisecond or a few."""
    times = os.times()
    memory = procfs.fields("proc/self/smaps_rollup", root).get("Pss")
    status = procfs.fields("proc/self/status", root)
    kind = kind_of(sys.argv)
    return Process(
        kind=kind,
        number=slot(kind),
        pid=os.getpid(),
        cpu_seconds=times.user + times.system,
        memory=status.get("VmRSS") if memory is None else memory,
        threads=status.get("Threads"),
        files=_files(root),
        files_limit=_files_limit(),
        uptime=_uptime(root),
    )


def kind_of(argv: Sequence[str]) -> str:
    """What a process is for, by the command that started it: web, worker, beat, or command for all others."""
    first = Path(argv[0]) if argv else Path()
    program = first.parent.name if first.stem == "__main__" else first.stem
    if program == "celery":
        return next((word for word in argv[1:] if word in {WORKER, BEAT}), COMMAND)
    if program in MANAGED:
        return WEB if "runserver" in argv[1:2] else COMMAND
    return WEB if program in SERVERS else COMMAND


def _files(root: Path) -> int | None:
    try:
        return sum(1 for _ in (root / "proc/self/fd").iterdir()) - 1  # without the one that lists them
    except OSError:
        return None


def _files_limit() -> int | None:
    """How many files and connections it may open; None without a limit, and on Windows."""
    if sys.platform == "win32":
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def _uptime(root: Path) -> float | None:
    """Seconds since this process started: the machine's uptime less the process's start in it."""
    stat, machine = procfs.text("proc/self/stat", root), procfs.text("proc/uptime", root)
    if stat is None or machine is None:
        return None
    started = int(stat.rpartition(")")[2].split()[19]) / procfs.TICKS  # the 22nd field; names may hold blanks
    return max(float(machine.split()[0]) - started, 0.0)
