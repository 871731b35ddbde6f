"""The machine that this process runs on: processors, memory and disks; the limits of a container count."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connection

from perf.sizes import procfs
from perf.sizes.advice import Advice, attention, wrong
from perf.templatetags.performance import size_words

LITTLE_MEMORY = 0.1  # of it left
LITTLE_DISK, HARDLY_DISK = 0.1, 0.05  # of it left
CGROUPS = (  # limit, used and reclaimable of a container's memory: of the second version, then of the first
    ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current", "sys/fs/cgroup/memory.stat", "inactive_file"),
    (
        "sys/fs/cgroup/memory/memory.limit_in_bytes",
        "sys/fs/cgroup/memory/memory.usage_in_bytes",
        "sys/fs/cgroup/memory/memory.stat",
        "total_inactive_file",
    ),
)


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk that we write to: what for, where, its bytes and how many of them are free for us."""

    use: str
    path: str
    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Host:
    """A machine or container. None is not known here: only Linux tells, in /proc.

    `busy_seconds` and `all_seconds` are of all processors since the start: two readings make a share.
    `memory` and `available` in bytes, of the container where it has less than the machine; `load` over one minute.
    """

    name: str
    cpus: int
    busy_seconds: float | None = None
    all_seconds: float | None = None
    load: float | None = None
    memory: int | None = None
    available: int | None = None
    disks: list[Disk] = field(default_factory=list)

    def advice(self) -> list[Advice]:
        """What to do about memory and disks."""
        return [*_memory_advice(self), *disk_advice(self.disks)]


def name() -> str:
    """What this machine calls itself."""
    return platform.node() or "this machine"


def measure(root: Path = procfs.ROOT) -> Host:
    """Read it now."""
    busy, everything = _processors(root)
    memory, available = _memory(root)
    load = procfs.text("proc/loadavg", root)
    return Host(
        name=name(),
        cpus=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        busy_seconds=busy,
        all_seconds=everything,
        load=float(load.split()[0]) if load else None,
        memory=memory,
        available=available,
        disks=list(_disks()),
    )


def _processors(root: Path) -> tuple[float | None, float | None]:
    """Busy and all seconds of all processors: user nice system idle iowait irq softirq steal, in ticks."""
    first = (procfs.text("proc/stat", root) or "").partition("\n")[0].split()
    if not first or first[0] != "cpu":
        return None, None
    ticks = [int(word) for word in first[1:9]]  # guests' time stands in user and nice already
    return (sum(ticks) - sum(ticks[3:5])) / procfs.TICKS, sum(ticks) / procfs.TICKS


def _memory(root: Path) -> tuple[int | None, int | None]:
    """Bytes of memory and how many of them can still be had; of the container where it is given less."""
    known = procfs.fields("proc/meminfo", root)
    total, available = known.get("MemTotal"), known.get("MemAvailable")
    for limit_at, used_at, stat_at, reclaimable in CGROUPS:
        limit, used = procfs.number(limit_at, root), procfs.number(used_at, root)
        if limit is not None and used is not None and total is not None and limit < total:
            words = dict(line.split() for line in (procfs.text(stat_at, root) or "").splitlines())
            free = limit - used + int(words.get(reclaimable, 0))
            return limit, free if available is None else min(free, available)
    return total, available


def _disks() -> Iterator[Disk]:
    """Each disk that uploads or a SQLite file lie on, once."""
    places = {"uploaded files": str(settings.MEDIA_ROOT or "")}
    if connection.vendor == "sqlite":
        places = {"database": str(Path(connection.settings_dict["NAME"]).parent)} | places
    yield from disks_of(places)


def disks_of(places: Mapping[str, str]) -> Iterator[Disk]:
    """The disks of `places` (what for → a folder, which need not exist yet), each once."""
    uses: dict[int, tuple[list[str], Path]] = {}
    for use, place in places.items():
        if place and (folder := _existing(Path(place))):
            uses.setdefault(folder.stat().st_dev, ([], folder))[0].append(use)
    for names, folder in uses.values():
        usage = shutil.disk_usage(folder)
        yield Disk(" and ".join(names), str(folder), usage.total, usage.free)


def _existing(folder: Path) -> Path | None:
    """`folder`, or the nearest one above it that exists already."""
    return next((one for one in (folder, *folder.absolute().parents) if one.is_dir()), None)


def _memory_advice(host: Host) -> Iterator[Advice]:
    if host.memory and host.available is not None and host.available < LITTLE_MEMORY * host.memory:
        yield attention(
            f"{host.name} has {size_words(host.available)} of {size_words(host.memory)} memory left: run fewer"
            " processes on it, or give it more. Without any left, the kernel ends a process."
        )


def disk_advice(disks: list[Disk]) -> Iterator[Advice]:
    """What to do about those that are nearly full."""
    for disk in disks:
        if disk.free < LITTLE_DISK * disk.total:
            level = wrong if disk.free < HARDLY_DISK * disk.total else attention
            yield level(
                f"{size_words(disk.free)} of {size_words(disk.total)} are free where the {disk.use} lie"
                f" ({disk.path}): make room, or move them to a larger disk. Full, it stores nothing more."
            )
