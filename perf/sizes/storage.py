"""What is stored and where: the present sizes of database, tables, indexes and Redis, beside what they were."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

from perf import charts, reading
from perf.charts import Chart
from perf.gauges import Reading, readings
from perf.sizes import redis_servers
from perf.sizes.advice import Advice
from perf.sizes.contents import Contents, measure
from perf.sizes.courses import Course, courses
from perf.sizes.redis_servers import Memory, Silent
from perf.sizes.tables import Index, Table
from perf.templatetags.performance import size_words

LARGE = 12  # tables and indexes that are shown at once; the other tables on request


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

    @property
    def reason(self) -> str:
        """Why there is no number, if there is none."""
        return f"It could not be read: {self.reading.why}" if self.reading.why else "There is nothing to count"


@dataclass(frozen=True, slots=True)
class Served:
    """A Redis server as it is, how its used memory went, and how much it evicted within the window."""

    now: Memory | Silent
    course: Course | None
    chart: Chart | None
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
    chart: Chart | None
    tables: list[Sized]
    indexes: list[Sized]
    servers: list[Served]
    counts: list[Counted]

    @property
    def gained(self) -> int | None:
        """Bytes the database has more than at the first look in the window."""
        return self.course.gained(self.contents.bytes) if self.course else None

    @property
    def large_tables(self) -> list[Sized]:
        """Those that are shown at once."""
        return self.tables[:LARGE]

    @property
    def small_tables(self) -> list[Sized]:
        """All others."""
        return self.tables[LARGE:]

    @property
    def small_bytes(self) -> int:
        """What the others take together, as far as it is known."""
        return sum(table.of.bytes or 0 for table in self.small_tables)

    @property
    def largest_indexes(self) -> list[Sized]:
        """Those that are shown."""
        return self.indexes[:LARGE]

    def advice(self) -> list[Advice]:
        """What to do, worst first."""
        found = [*self.contents.advice(), *(one for server in self.servers for one in server.now.advice())]
        return sorted(found, key=lambda one: one.level, reverse=True)


@reading.together()
def storage(period: str, user: Any) -> Storage:
    """Measure now, and read what was sampled within `period`; the counts that `user` may see."""
    window, contents = reading.window(period), measure()
    of_tables = {own.get("table"): course for own, course in courses("table.bytes", window).items()}
    of_indexes = {own.get("index"): course for own, course in courses("index.bytes", window).items()}
    course = next(iter(courses("database.bytes", window).values()), None)
    return Storage(
        period=period,
        contents=contents,
        course=course,
        chart=_chart("Size of the database", window, {"Database": course}),
        tables=[Sized(table, of_tables.get(table.name)) for table in contents.tables],
        indexes=[Sized(index, of_indexes.get(index.name)) for index in contents.indexes],
        servers=_servers(window),
        counts=_counts(window, user),
    )


def _servers(window: reading.Window) -> list[Served]:
    used, evicted, limits = (
        {own.get("server"): course for own, course in courses(f"redis.{name}", window).items()}
        for name in ("used_bytes", "evicted", "limit_bytes")
    )
    return [
        Served(
            now=now,
            course=used.get(now.server.name),
            chart=_chart(
                f"Memory of Redis, {now.server.name}",
                window,
                {"Used": used.get(now.server.name), "Limit": limits.get(now.server.name)},
            ),
            evicted=_evicted(now, evicted.get(now.server.name)),
        )
        for now in redis_servers.measure()
    ]


def _chart(title: str, window: reading.Window, lines: dict[str, Course | None]) -> Chart | None:
    """The levels of `lines` over the window; None where there are fewer than two to join."""
    known = {name: dict(course.points) for name, course in lines.items() if course}
    if all(len(points) < 2 for points in known.values()):
        return None
    steps = charts.thinned([(at, [points.get(at) for points in known.values()]) for at in window.steps], _means)
    values = dict(zip(known, zip(*(found for _, found in steps), strict=True), strict=True))
    return charts.lines(title, [at for at, _ in steps], values, write=size_words)


def _means(steps: list[list[float | None]]) -> list[float | None]:
    """What neighbouring steps are drawn as."""
    columns = ([value for value in column if value is not None] for column in zip(*steps, strict=True))
    return [fmean(column) if column else None for column in columns]


def _evicted(now: Memory | Silent, course: Course | None) -> int | None:
    """How much was evicted within the window; a counter that fell began anew with its server."""
    if isinstance(now, Silent) or course is None:
        return None
    levels = [*(value for _, value in course.points), now.evicted]
    return round(sum(after - before if after >= before else after for before, after in pairwise(levels)))


def _counts(window: reading.Window, user: Any) -> list[Counted]:
    sampled: dict[str, dict[str, Course]] = {}
    for own, course in courses("app.count", window).items():
        sampled.setdefault(own.get("gauge"), {})[own.get("part")] = course
    return [Counted(one, sampled.get(one.gauge.name, {})) for one in readings(user)]
