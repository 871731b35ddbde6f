"""Storage and processes as JSON: the same as their pages."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema

from perf.access import requires
from perf.periods import DEFAULT_PERIOD
from perf.sizes.advice import Advice
from perf.sizes.redis_servers import Memory
from perf.sizes.running import Machine, Running
from perf.sizes.running import processes as read_processes
from perf.sizes.storage import Counted, Served, Sized
from perf.sizes.storage import storage as read_storage

router = Router()


class PeriodFilters(Schema):
    """The period in which growth is told."""

    period: Literal["1h", "24h", "7d", "30d", "1y"] = DEFAULT_PERIOD  # type: ignore[assignment]  # it is one of these


class AdviceOut(Schema):
    """What to do: `level` is attention or wrong."""

    level: str
    text: str


class SizeOut(Schema):
    """Bytes, and how many more than at the first look in the period, of `since`; null is not known."""

    bytes: int | None
    gained: int | None
    since: dt.datetime | None


class TableOut(SizeOut):
    """A table with its indexes; rows are an estimate unless exact, dead ones are deleted and still take room."""

    name: str
    app: str
    index_bytes: int | None
    rows: int | None
    rows_are_exact: bool
    dead_rows: int | None


class IndexOut(SizeOut):
    """An index of a table."""

    name: str
    table: str


class RedisOut(Schema):
    """A Redis server. Of one that does not answer, `why` it does not, and null for all else.

    `limit` is its maxmemory (null: none), `evicted` counts since it started, `evicted_in_period` since then.
    """

    server: str
    address: str
    answers: bool
    why: str = ""
    version: str | None = None
    used: int | None = None
    peak: int | None = None
    limit: int | None = None
    policy: str | None = None
    evicted: int | None = None
    evicted_in_period: int | None = None
    rejected: int | None = None
    clients: int | None = None
    uptime_seconds: int | None = None


class CountOut(Schema):
    """What an app's gauge says: `parts` by word, "" where it is one number; `why` where it could not be read."""

    name: str
    label: str
    unit: str
    parts: dict[str, float | None]
    total: float | None
    gained: int | None
    why: str


class StorageOut(Schema):
    """Present sizes, of `measured_at`, and how they grew; `why` says what is not known, and why."""

    period: str
    measured_at: dt.datetime
    vendor: str
    why: list[str]
    database: SizeOut
    tables: list[TableOut]
    indexes: list[IndexOut]
    redis: list[RedisOut]
    counts: list[CountOut]
    advice: list[AdviceOut]


class ProcessOut(Schema):
    """A process as it last reported itself `at`: `cpu` is its share of one processor over ten minutes."""

    kind: str
    host: str
    number: int
    at: dt.datetime
    is_silent: bool
    pid: int | None
    cpu: float | None
    memory: int | None
    grown: int | None
    threads: int | None
    files: int | None
    files_limit: int | None
    uptime_seconds: float | None


class DiskOut(Schema):
    """A disk that is written to, in bytes."""

    use: str
    path: str
    total: int
    free: int


class MachineOut(Schema):
    """A machine or container: `cpu` is the busy share of all its processors over ten minutes; memory in bytes."""

    host: str
    at: dt.datetime
    cpus: int
    cpu: float | None
    load: float | None
    memory: int | None
    available: int | None
    disks: list[DiskOut]


class ProcessesOut(Schema):
    """Processes that run, those that reported themselves within the hour and do not any more, and their machines."""

    period: str
    running: list[ProcessOut]
    ended: list[ProcessOut]
    machines: list[MachineOut]
    advice: list[AdviceOut]


@router.get(
    "/performance/storage",
    response=StorageOut,
    url_name="performance_storage",
    summary="What lies where, and how it grows",
)
@requires("perf.view_performance")
def storage(request: HttpRequest, filters: Query[PeriodFilters]) -> dict[str, Any]:
    """Database, tables, indexes, Redis, and the apps' own counts."""
    found = read_storage(filters.period, request.user)
    contents = found.contents
    return {
        "period": found.period,
        "measured_at": contents.measured_at,
        "vendor": contents.vendor,
        "why": contents.why,
        "database": {
            "bytes": contents.bytes,
            "gained": found.gained,
            "since": found.course.since if found.course else None,
        },
        "tables": [_sized(one) for one in found.tables],
        "indexes": [_sized(one) for one in found.indexes],
        "redis": [_redis(one) for one in found.servers],
        "counts": [_count(one) for one in found.counts],
        "advice": [_told(one) for one in found.advice()],
    }


@router.get(
    "/performance/processes",
    response=ProcessesOut,
    url_name="performance_processes",
    summary="Which processes run, and what they take",
)
@requires("perf.view_performance")
def processes(request: HttpRequest, filters: Query[PeriodFilters]) -> dict[str, Any]:
    """Every process as it reported itself, and the machines they run on."""
    found = read_processes(filters.period)
    return {
        "period": found.period,
        "running": [_process(one) for one in found.running],
        "ended": [_process(one) for one in found.ended],
        "machines": [_machine(one) for one in found.machines],
        "advice": [_told(one) for one in found.advice()],
    }


def _sized(one: Sized) -> dict[str, Any]:
    names = set(TableOut.model_fields) | {"table"}
    known = {name: getattr(one.of, name) for name in names if hasattr(one.of, name)}
    return known | {"gained": one.gained, "since": one.course.since if one.course else None}


def _redis(one: Served) -> dict[str, Any]:
    now = one.now
    known: dict[str, Any] = {"server": now.server.name, "address": now.server.shown, "answers": one.answers}
    if not isinstance(now, Memory):
        return known | {"why": now.why}
    names = ("version", "used", "peak", "limit", "policy", "evicted", "rejected", "clients")
    known |= {name: getattr(now, name) for name in names}
    return known | {"evicted_in_period": one.evicted, "uptime_seconds": now.uptime}


def _count(one: Counted) -> dict[str, Any]:
    gauge, reading = one.reading.gauge, one.reading
    known = {name: getattr(gauge, name) for name in ("name", "label", "unit")}
    return known | {"parts": reading.parts, "total": reading.total, "gained": one.gained, "why": reading.why}


def _told(advice: Advice) -> dict[str, str]:
    return {"level": advice.level.value, "text": advice.text}


def _process(one: Running) -> dict[str, Any]:
    names = ("kind", "host", "number", "at", "is_silent", "pid", "cpu", "grown", "threads", "files", "files_limit")
    known = {name: getattr(one, name) for name in names}
    memory = round(one.memory.last) if one.memory else None
    return known | {"memory": memory, "uptime_seconds": one.uptime}


def _machine(one: Machine) -> dict[str, Any]:
    host = one.host
    known = {name: getattr(host, name) for name in ("cpus", "load", "memory", "available")}
    disks = [{name: getattr(disk, name) for name in ("use", "path", "total", "free")} for disk in host.disks]
    return known | {"host": host.name, "at": one.at, "cpu": one.cpu, "disks": disks}
