"""What is stored and where: the present sizes of database, tables, indexes and Redis, beside what they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perf import reading
from perf.gauges import Reading, readings
from perf.sizes import redis_servers
from perf.sizes.advice import Advice
from perf.sizes.contents import Contents, measure
from perf.sizes.courses import Course, courses
from perf.sizes.redis_servers import Memory, Silent
from perf.sizes.tables import Index, Table


@dataclass(frozen=True, slots=True)
class Sized:
    """A table or an index, and how its bytes went over the window; None where nobody looked yet."""

    of: Table | Index
    course: Course | None

    @property
    def gained(self) -> int | None:
        """Bytes more than at the first look in the window."""
        return self.course.gained(self.of.bytes) if self.course else None


@dataclass(frozen=True, slots=True)
class Counted:
    """What an app's gauge says, and how each of its parts went."""

    reading: Reading
    courses: dict[str, Course]

    @property
    def gained(self) -> int | None:
        """How much more than at the first look at all of its parts; None where a part has not been looked at."""
        firsts = [self.courses[part].points[0][1] for part in self.reading.parts if part in self.courses]
        if self.reading.total is None or len(firsts) < len(self.reading.parts):
            return None
        return round(self.reading.total - sum(firsts))


@dataclass(frozen=True, slots=True)
class Served:
    """A Redis server as it is, how its used memory went, and how much it evicted within the window."""

    now: Memory | Silent
    course: Course | None
    evicted: int | None

    @property
    def answers(self) -> bool:
        """Whether it could be asked."""
        return isinstance(self.now, Memory)


@dataclass(frozen=True, slots=True)
class Storage:
    """Everything of the storage page; tables and indexes largest first."""

    period: str
    contents: Contents
    course: Course | None
    tables: list[Sized]
    indexes: list[Sized]
    servers: list[Served]
    counts: list[Counted]

    @property
    def gained(self) -> int | None:
        """Bytes the database has more than at the first look in the window."""
        return self.course.gained(self.contents.bytes) if self.course else None

    def advice(self) -> list[Advice]:
        """What to do, worst first."""
        found = [*self.contents.advice(), *(one for server in self.servers for one in server.now.advice())]
        return sorted(found, key=lambda one: one.level, reverse=True)


def storage(period: str, user: Any) -> Storage:
    """Measure now, and read what was sampled within `period`; the counts that `user` may see."""
    window, contents = reading.window(period), measure()
    of_tables = {own.get("table"): course for own, course in courses("table.bytes", window).items()}
    of_indexes = {own.get("index"): course for own, course in courses("index.bytes", window).items()}
    return Storage(
        period=period,
        contents=contents,
        course=next(iter(courses("database.bytes", window).values()), None),
        tables=[Sized(table, of_tables.get(table.name)) for table in contents.tables],
        indexes=[Sized(index, of_indexes.get(index.name)) for index in contents.indexes],
        servers=_servers(window),
        counts=_counts(window, user),
    )


def _servers(window: reading.Window) -> list[Served]:
    used = {own.get("server"): course for own, course in courses("redis.used_bytes", window).items()}
    evicted = {own.get("server"): course for own, course in courses("redis.evicted", window).items()}
    return [
        Served(now, used.get(now.server.name), _evicted(now, evicted.get(now.server.name)))
        for now in redis_servers.measure()
    ]


def _evicted(now: Memory | Silent, course: Course | None) -> int | None:
    """How much was evicted within the window; a counter that fell began anew with its server."""
    if isinstance(now, Silent) or course is None:
        return None
    levels = [value for _, value in course.points] + [now.evicted]
    return round(sum(after - before if after >= before else after for before, after in zip(levels, levels[1:])))


def _counts(window: reading.Window, user: Any) -> list[Counted]:
    sampled: dict[str, dict[str, Course]] = {}
    for own, course in courses("app.count", window).items():
        sampled.setdefault(own.get("gauge"), {})[own.get("part")] = course
    return [Counted(one, sampled.get(one.gauge.name, {})) for one in readings(user)]
