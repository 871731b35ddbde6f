"""What the performance app keeps of a day, a week and a year of 60 routes in 3 statuses each, in the database's bytes.

The day goes the whole way: minute by minute into the table of arrivals, rolled up as it is in earnest. A year of
minutes would take hours to make up and is gone after two days anyway: of the week and the year what is kept at their
end is written, all minutes, hours and days that the rings hold, with blocks as full as that much traffic makes them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from time import perf_counter
from typing import Any

from django.db import connection

from benchmarks.ground import Line
from perf import clock
from perf.histograms import Histogram
from perf.models import RINGS, Arrival
from perf.models.buckets import Ring
from perf.recording import ALL, REQUEST
from perf.series import HISTOGRAM, Labels, Series, encoded
from perf.tables import Tables

ROUTES = 60
STATUSES = {"200": 0.80, "304": 0.15, "404": 0.05}
MINUTES = int(os.environ.get("MINUTES", "1440"))  # of the day that is recorded; 1,440 is all of it
A_MINUTE = 900  # requests: 15 a second, day and night
ROLLED_UP_EVERY = 30  # minutes of the simulated day
DRAWN = 2_000  # values of one series, at most; beyond them only its counts grow
POOL = 2  # different blocks for each name; sizes differ by chance alone
LENGTHS = {"a week": timedelta(days=7), "a year": timedelta(days=365)}
YEAR_MB = 200.0
WRITTEN_AT_ONCE = 500
SEED = 19


def measure() -> Iterator[Line]:
    """The day, then the week, then the year."""
    _empty()
    yield from _day()
    for name, length in LENGTHS.items():
        _empty()
        yield from _after(name, length)


def _day() -> Iterator[Line]:
    """MINUTES of requests, appended and rolled up; rows and bytes of what is then there."""
    chance, tables = Random(SEED), Tables()  # noqa: S311  # nothing secret
    now = clock.now().replace(second=0, microsecond=0)
    start = now - timedelta(minutes=MINUTES)
    append, roll = 0.0, 0.0
    for number in range(MINUTES):
        made = {start + timedelta(minutes=number): series(chance, 1)}
        began = perf_counter()
        tables.append(made)
        append += perf_counter() - began
        if number % ROLLED_UP_EVERY == ROLLED_UP_EVERY - 1 or number == MINUTES - 1:
            began = perf_counter()
            tables.roll_up()
            roll += perf_counter() - began
    requests = MINUTES * A_MINUTE
    title = f"{MINUTES:,} minutes of {ROUTES} routes × {len(STATUSES)} statuses, {requests:,} requests"
    rows, size = held()
    yield Line(title, "ours", rows, "rows")
    yield Line(title, "ours", size / 1e6, "MB")
    yield Line(title, "ours", rows / requests, "rows for each request")
    yield Line(title, "ours, appending", append / MINUTES * 1000, "ms a minute and process")
    yield Line(title, "ours, rolling up", roll / MINUTES * 1000, "ms a minute")


def _after(name: str, length: timedelta) -> Iterator[Line]:
    """What the rings hold after so long, with traffic day and night; a year has a goal."""
    now = clock.now()
    for ring in RINGS:
        _fill(ring, now, length)
    rows, size = held()
    title = f"{name} of {ROUTES} routes × {len(STATUSES)} statuses"
    megabytes = size / 1e6
    goal = (f"< {YEAR_MB:g}", megabytes < YEAR_MB) if name == "a year" else ()
    yield Line(title, "ours", rows, "rows")
    yield Line(title, "ours", megabytes, "MB", None, *goal)
    with connection.cursor() as cursor:
        for ring in RINGS:
            names = [table._meta.db_table for table in ring.tables]
            cursor.execute("SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s) AS name", [names])
            yield Line(title, f"ours, {ring.name}s", float(cursor.fetchone()[0]) / 1e6, "MB")


def _fill(ring: Ring, now: datetime, length: timedelta) -> None:
    """Write every period of the last `length` that `ring` keeps."""
    chance = Random(f"{SEED} {ring.name}")  # noqa: S311  # nothing secret
    minutes = int(ring.step / timedelta(minutes=1))
    pool = [_blocks(series(chance, minutes), exactly=ring.is_exact) for _ in range(POOL)]
    for table in ring.tables:
        periods = (start for start in _periods(ring, since(ring, length), now) if ring.table(start) is table)
        rows = (
            table(start=start, kind=HISTOGRAM, name=name, data=data)
            for start in periods
            for name, data in pool[chance.randrange(POOL)].items()
        )
        while part := list(islice(rows, WRITTEN_AT_ONCE)):
            table._default_manager.bulk_create(part)


def since(ring: Ring, length: timedelta) -> datetime:
    """From when on `ring` has periods after so long."""
    now = clock.now()
    return max(ring.since(now), now - length)


def _periods(ring: Ring, first: datetime, now: datetime) -> Iterator[datetime]:
    start = ring.period(first)
    while start <= now:
        yield start
        start += ring.step


def series(chance: Random, minutes: int) -> Series:
    """What so many minutes leave: a few routes have most of the requests (Zipf's law), each series at least one."""
    made: Series = {}
    shares = [1 / rank for rank in range(1, ROUTES + 1)]
    for route, share in enumerate(shares):
        for status, part in STATUSES.items():
            labels = Labels.of({"method": "GET", "route": f"app:route-{route:02}", "status": status})
            requests = max(1, round(A_MINUTE * minutes * share / sum(shares) * part))
            for name, values in zip(REQUEST, _values(chance, route, min(requests, DRAWN)), strict=True):
                one = Histogram()
                one.extend(values)
                if more := requests // len(values) - 1:  # the same shape, higher counts
                    for value in values:
                        one.add(value, more)
                made.setdefault((HISTOGRAM, name), {})[labels] = one
    whole = made.setdefault((HISTOGRAM, ALL), {})
    for labels, one in made[HISTOGRAM, REQUEST[0]].items():
        whole.setdefault(Labels.of({"status": labels.get("status")[:1]}), Histogram()).merge(one)
    return made


def _values(chance: Random, route: int, count: int) -> Sequence[list[float]]:
    """Seconds, those of the database and of the cache, queries, bytes: of `count` requests to one route."""
    typical = 0.005 * (1 + route % 12)
    seconds = [typical * chance.lognormvariate(0, 0.6) for _ in range(count)]
    database = [second * chance.uniform(0.2, 0.6) for second in seconds]
    cache = [chance.lognormvariate(-8, 0.5) for _ in range(count)]
    queries = [float(chance.choice((2, 5, 6, 9))) for _ in range(count)]
    return seconds, database, cache, queries, [round(4_000 * chance.lognormvariate(0, 0.4)) for _ in range(count)]


def _blocks(made: Series, *, exactly: bool) -> dict[str, bytes]:
    """The rows' blocks by name, with labels by number as the rings have them."""
    numbers: dict[Any, int] = {}
    return {
        name: encoded(
            kind, {numbers.setdefault(labels, len(numbers)): one for labels, one in block.items()}, int, exactly=exactly
        )
        for (kind, name), block in made.items()
    }


def held() -> tuple[int, int]:
    """Rows and bytes, indexes too, of all tables of what was recorded."""
    rows, size = 0, 0
    with connection.cursor() as cursor:
        for name in _tables():
            cursor.execute(f'SELECT count(*), pg_total_relation_size(%s) FROM "{name}"', [name])  # noqa: S608  # ours
            found = cursor.fetchone()
            rows, size = rows + found[0], size + found[1]
    return rows, size


def _tables() -> list[str]:
    return [Arrival._meta.db_table, *(table._meta.db_table for ring in RINGS for table in ring.tables)]


def _empty() -> None:
    with connection.cursor() as cursor:
        for name in _tables():
            cursor.execute(f'TRUNCATE "{name}"')
