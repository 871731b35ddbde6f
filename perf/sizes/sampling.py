"""Sizes over time: what the samplers write into gauges. One process looks at what is shared, each reports itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from time import monotonic
from typing import Any

from perf import flushing, gauges
from perf.conf import setting
from perf.recording import gauge
from perf.sizes import contents, host, processes, redis_servers

EVERY_PROCESS, EVERY_HOST, EVERY_REDIS = 15.0, 60.0, 60.0  # seconds between two samples
EVERY_DATABASE, EVERY_COUNT = 3_600.0, 900.0


def install() -> None:
    """Have everything sampled from now on, unless nobody flushes by himself; called once as the apps are ready."""
    if not setting("PERF_FLUSH_SECONDS"):
        return
    flushing.every(report_process)
    flushing.periodically(f"perf.host {host.name()}", EVERY_HOST, sample_host)
    flushing.periodically("perf.redis", EVERY_REDIS, sample_redis)
    flushing.periodically("perf.database", EVERY_DATABASE, sample_database)
    flushing.periodically("perf.counts", EVERY_COUNT, sample_counts)
    if processes.kind_of(sys.argv) in {processes.WORKER, processes.BEAT}:
        _report_from_celery()


def _report_from_celery() -> None:
    """A worker's parent and beat record nothing else that would start their reports; a child begins at once."""
    from celery.signals import beat_init, worker_process_init, worker_ready  # noqa: PLC0415  # it runs this process

    for signal in (beat_init, worker_process_init, worker_ready):
        signal.connect(_begin, dispatch_uid="perf.sizes")


def _begin(**_: Any) -> None:
    report_process()


class _Reported:
    """Which process reported itself last, and when on its own clock: a child is not its parent."""

    pid, at = 0, 0.0


def report_process() -> None:
    """What this process takes, at most every EVERY_PROCESS seconds: its levels under kind, host and number."""
    if _Reported.pid == os.getpid() and monotonic() - _Reported.at < EVERY_PROCESS:
        return
    _Reported.pid, _Reported.at = os.getpid(), monotonic()
    own = processes.measure()
    labels = {"kind": own.kind, "host": host.name(), "number": str(own.number)}
    levels = {
        "process.pid": own.pid,
        "process.cpu_seconds": own.cpu_seconds,
        "process.uptime_seconds": own.uptime,
        "process.memory_bytes": own.memory,
        "process.threads": own.threads,
        "process.files": own.files,
        "process.files_limit": own.files_limit,
    }
    _record(levels, labels)


def sample_host() -> None:
    """Processors, memory and disks of this machine."""
    found = host.measure()
    labels = {"host": found.name}
    levels = {
        "host.cpus": found.cpus,
        "host.busy_seconds": found.busy_seconds,
        "host.all_seconds": found.all_seconds,
        "host.load": found.load,
        "host.memory_bytes": found.memory,
        "host.available_bytes": found.available,
    }
    _record(levels, labels)
    for disk in found.disks:
        _record({"disk.bytes": disk.total, "disk.free_bytes": disk.free}, labels | {"use": disk.use, "path": disk.path})


def sample_redis() -> None:
    """Memory of every Redis server that answers; one that is away leaves a gap."""
    for found in redis_servers.measure():
        if isinstance(found, redis_servers.Memory):
            levels = {
                "redis.used_bytes": found.used,
                "redis.peak_bytes": found.peak,
                "redis.limit_bytes": found.limit,
                "redis.evicted": found.evicted,
                "redis.clients": found.clients,
            }
            _record(levels, {"server": found.server.name})


def sample_database() -> None:
    """The database, its tables and its indexes."""
    found = contents.measure()
    _record({"database.bytes": found.bytes}, {})
    for table in found.tables:
        _record({"table.bytes": table.bytes, "table.rows": table.rows}, {"table": table.name})
    for index in found.indexes:
        _record({"index.bytes": index.bytes}, {"table": index.table, "index": index.name})


def sample_counts() -> None:
    """What the apps' own gauges say."""
    for reading in gauges.readings():
        for part, value in reading.parts.items():
            _record({"app.count": value}, {"gauge": reading.gauge.name, "part": part})


def _record(levels: Mapping[str, float | None], labels: dict[str, str]) -> None:
    """Record what is known; what is not leaves no level, and never 0."""
    for name, value in levels.items():
        if value is not None:
            gauge(name, value, **labels)
