"""Which processes run where and what they take, as each reported itself; and the machines they run on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from perf import clock, reading
from perf.series import Labels
from perf.sizes.advice import Advice, attention
from perf.sizes.courses import Course, courses
from perf.sizes.host import Disk, Host
from perf.templatetags.figures import share as share_of

SILENT_AFTER = timedelta(minutes=3)  # a process reports itself every quarter of a minute, and is read by the minute
LATELY = timedelta(minutes=10)  # over which shares of processor time are taken
MANY_FILES = 0.8  # of those it may open
BUSY = 0.9  # of all processors
KINDS = {"web": 0, "worker": 1, "beat": 2, "command": 3}
PROCESS = ("pid", "cpu_seconds", "uptime_seconds", "memory_bytes", "threads", "files", "files_limit")
HOST = ("cpus", "busy_seconds", "all_seconds", "load", "memory_bytes", "available_bytes")

Points = Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class Running:
    """A process as it last reported itself at `at` (its minute); None is not known there.

    `cpu` is its share of one processor over the last ten minutes, 1.0 a whole one; `memory` is the course of its PSS.
    """

    kind: str
    host: str
    number: int
    at: datetime
    pid: int | None
    cpu: float | None
    memory: Course | None
    threads: int | None
    files: int | None
    files_limit: int | None
    uptime: float | None

    @property
    def is_silent(self) -> bool:
        """Whether it has not reported itself lately: it ended, or hangs."""
        return clock.now() - self.at > SILENT_AFTER + timedelta(minutes=1)

    @property
    def name(self) -> str:
        """What it is called: "web 1"."""
        return f"{self.kind} {self.number}"

    @property
    def grown(self) -> int | None:
        """Bytes of memory more than at its first look in the period."""
        return self.memory.gained(self.memory.last) if self.memory else None

    def advice(self) -> list[Advice]:
        """What to do about its open files."""
        if self.is_silent or not self.files or not self.files_limit or self.files < MANY_FILES * self.files_limit:
            return []
        return [
            attention(
                f"{self.name} on {self.host} has {self.files:,} of at most {self.files_limit:,} files and connections"
                " open: raise its limit (LimitNOFILE, ulimit -n), or restart it and see whether they pile up again."
            )
        ]


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as a process on it sampled it at `at`; `cpu` is the busy share of all its processors lately."""

    host: Host
    at: datetime
    cpu: float | None
    memory: Course | None

    def advice(self) -> list[Advice]:
        """What to do about its memory, disks and processors."""
        found = self.host.advice()
        if self.cpu is not None and self.cpu > BUSY:
            found.append(
                attention(
                    f"{self.host.name}'s processors were {share_of(self.cpu, 1)} busy over the last minutes: answers"
                    " wait. Run workers elsewhere, or give it more processors."
                )
            )
        return found


@dataclass(frozen=True, slots=True)
class Processes:
    """Everything of the page on processes: those that run, those that did within the window, and the machines."""

    period: str
    running: list[Running]
    ended: list[Running]
    machines: list[Machine]

    def advice(self) -> list[Advice]:
        """What to do, worst first."""
        found = [one for machine in self.machines for one in machine.advice()]
        found += [one for process in self.running for one in process.advice()]
        return sorted(found, key=lambda one: one.level, reverse=True)


@reading.together()
def processes(period: str) -> Processes:
    """What reported itself within `period`."""
    window, lately = reading.window(period), reading.window("1h")
    memory = courses("process.memory_bytes", window)
    found = [_running(own, levels, memory.get(own)) for own, levels in _by_labels("process", PROCESS, lately).items()]
    found.sort(key=lambda one: (KINDS.get(one.kind, len(KINDS)), one.host, one.number))
    return Processes(
        period=period,
        running=[one for one in found if not one.is_silent],
        ended=[one for one in found if one.is_silent],
        machines=_machines(window, lately),
    )


def _by_labels(kind: str, names: Sequence[str], window: reading.Window) -> dict[Labels, dict[str, Points]]:
    """The levels of all `names` of a kind, by labels and name."""
    found: dict[Labels, dict[str, Points]] = defaultdict(dict)
    for name in names:
        for own, points in reading.levels(f"{kind}.{name}", window).items():
            if points:
                found[own][name] = points
    return found


def _running(own: Labels, levels: Mapping[str, Points], memory: Course | None) -> Running:
    return Running(
        kind=own.get("kind"),
        host=own.get("host"),
        number=int(own.get("number")),
        at=max(points[-1][0] for points in levels.values()),
        pid=_whole(levels, "pid"),
        cpu=share(levels.get("cpu_seconds", ()), levels.get("uptime_seconds", ())),
        memory=memory,
        threads=_whole(levels, "threads"),
        files=_whole(levels, "files"),
        files_limit=_whole(levels, "files_limit"),
        uptime=levels["uptime_seconds"][-1][1] if "uptime_seconds" in levels else None,
    )


def share(busy: Points, everything: Points) -> float | None:
    """What part of `everything` was `busy` over LATELY, both counted up since a start; None with fewer than two looks.

    Where `everything` fell, another process has taken the number, or the machine was started again: it begins there.
    """
    known = dict(busy)
    looks = [(at, known[at], all_) for at, all_ in everything if at in known]
    looks = [look for look in looks if looks[-1][0] - look[0] <= LATELY]
    for position in range(len(looks) - 1, 0, -1):
        if looks[position][2] < looks[position - 1][2]:
            looks = looks[position:]
            break
    if len(looks) < 2 or looks[-1][2] <= looks[0][2]:
        return None
    return (looks[-1][1] - looks[0][1]) / (looks[-1][2] - looks[0][2])


def _machines(window: reading.Window, lately: reading.Window) -> list[Machine]:
    available, disks = courses("host.available_bytes", window), _disks(lately)
    return [
        Machine(
            host=Host(
                name=own.get("host"),
                cpus=_whole(levels, "cpus") or 1,
                load=levels["load"][-1][1] if "load" in levels else None,
                memory=_whole(levels, "memory_bytes"),
                available=_whole(levels, "available_bytes"),
                disks=disks[own.get("host")],
            ),
            at=max(points[-1][0] for points in levels.values()),
            cpu=share(levels.get("busy_seconds", ()), levels.get("all_seconds", ())),
            memory=available.get(own),
        )
        for own, levels in sorted(_by_labels("host", HOST, lately).items())
    ]


def _disks(window: reading.Window) -> dict[str, list[Disk]]:
    found: dict[str, list[Disk]] = defaultdict(list)
    free = reading.levels("disk.free_bytes", window)
    for own, points in sorted(reading.levels("disk.bytes", window).items()):
        if points and free.get(own):
            found[own.get("host")].append(
                Disk(own.get("use"), own.get("path"), round(points[-1][1]), round(free[own][-1][1]))
            )
    return found


def _whole(levels: Mapping[str, Points], name: str) -> int | None:
    return round(levels[name][-1][1]) if name in levels else None
