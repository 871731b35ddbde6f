"""Migrating filled tables, from each app's first schema to the newest, beside writers and a reader."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from django.core.management import call_command
from django.db import connection

from benchmarks.figures import bytes_of, insert
from benchmarks.ground import Line
from project.management.commands.migrate import Command

ROWS = 5_000_000
GOAL = 1.0  # seconds that a write may be held up
TOLD = 0.05  # seconds; what held nobody up for longer is in the file alone
DAYS = 100  # of figures that an account has
FIRST = (
    ("snapshots", "0001_initial"),
    ("scraping", "0001_initial"),
    ("workitems", "0001_initial"),
    ("project", "0001_initial"),
    ("accounts", "0002_add_indexes"),
)
WRITES = {
    "figures": "UPDATE snapshots_snapshot SET followers = followers + 1 WHERE id = %s",
    "items": "UPDATE workitems_workitem SET version = version + 1 WHERE id = %s",
    "photos": "UPDATE workitems_photo SET caption = 'seen' WHERE id = %s",
}
SAID = "'Valve ' || n || ' is leaking badly at frame ' || n % 500 || ', port side; replaced the seal and the flange'"
READ = "SELECT count(*) FROM snapshots_snapshot WHERE id BETWEEN %s AND %s + 100"


@dataclass
class Caller:
    """Runs one statement again and again on a connection of its own and notes how long each took."""

    sql: str
    rows: int
    took: list[tuple[float, float]] = field(default_factory=list)  # when it began, seconds

    def run(self, stop: threading.Event) -> None:
        """Until `stop`; each statement is a transaction of its own."""
        own = psycopg2.connect(os.environ["DATABASE_URL"])
        own.autocommit = True
        rng = random.Random(self.rows)  # noqa: S311  # which row does not matter
        with own.cursor() as cursor:
            while not stop.wait(0.005):
                row, began = rng.randint(1, self.rows), time.monotonic()
                cursor.execute(self.sql, [row] * self.sql.count("%s"))
                self.took.append((began, time.monotonic() - began))
        own.close()

    def longest(self, begin: float, end: float) -> float:
        """Seconds of the longest statement that ran at some time between the two."""
        return max((took for began, took in self.took if began < end and began + took > begin), default=0.0)


class Noting(Command):
    """`manage.py migrate` as it is, noting when each migration began and ended."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: dict[str, tuple[float, float]] = {}
        self._began = 0.0

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        if action == "apply_start":
            self._began = time.monotonic()
        elif action == "apply_success":
            self.spans[str(migration)] = (self._began, time.monotonic())
        super().migration_progress_callback(action, migration, fake)


def measure(rows: int = ROWS) -> list[Line]:
    """Fill `rows` figures, a tenth as many items and three tenths as many photos; then migrate while they are used."""
    for app, name in FIRST:
        call_command("migrate", app, name, verbosity=0)
    sizes = _fill(rows)
    writers = {name: Caller(sql, sizes[name]) for name, sql in WRITES.items()}
    reader, noting = Caller(READ, rows), Noting()
    with _running([*writers.values(), reader]):
        time.sleep(2)
        calm = time.monotonic()
        call_command(noting, verbosity=0)
        done = time.monotonic()
        time.sleep(1)
    before = max(writer.longest(calm - 2, calm) for writer in writers.values())
    lines = [
        Line("before", "longest write", before, "s"),
        Line("all migrations", "from start to end", done - calm, "s"),
    ]
    for name, (begin, end) in noting.spans.items():
        waits = {kind: writer.longest(begin, end) for kind, writer in writers.items()}
        kind = max(waits, key=waits.__getitem__)
        lines.append(_line(name, f"longest write of {kind}", waits[kind], end - begin))
    read = reader.longest(calm, done)
    lines.append(Line("all migrations", "longest read", read, "s"))
    write = max(writer.longest(calm, done) for writer in writers.values())
    lines.append(Line("all migrations", "longest write", write, "s", goal=f"≤ {GOAL:g} s", met=write <= GOAL))
    return [*lines, *_sizes(sizes)]


def _sizes(rows: dict[str, int]) -> Iterator[Line]:
    """What a row takes on disk, at the newest schema and after the writes of this run."""
    for kind, sql in WRITES.items():
        table = sql.split()[1]
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM FULL {table}")
        yield Line(table, "a row with its indexes", bytes_of(table) / rows[kind], "bytes")


def _line(name: str, variant: str, wait: float, took: float) -> Line:
    return Line(
        name, f"{variant}; it took {took:.1f} s", wait, "s", goal=f"≤ {GOAL:g} s", met=wait <= GOAL, told=wait > TOLD
    )


@contextmanager
def _running(callers: list[Caller]) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=caller.run, args=(stop,)) for caller in callers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _fill(rows: int) -> dict[str, int]:
    """The tables as an earlier version would have left them; how many rows each has."""
    accounts, items = max(rows // DAYS, 1), max(rows // 10, 1)
    name = "'a' || n"
    wanted: list[tuple[str, int, dict[str, str]]] = [
        ("accounts_organization", 1, {"name": "'Office'"}),
        ("accounts_account", accounts, {"platform": "'x'", "handle": name, "handle_key": name, "organization_id": "1"}),
        (
            "snapshots_snapshot", accounts * DAYS,
            {"account_id": f"1 + (n - 1) % {accounts}", "date": f"date '2026-01-01' + ((n - 1) / {accounts})::int",
             "followers": "n", "source": "'observed'", "quality": "'published'"},
        ),
        (
            "workitems_workitem", items,
            {"number": "'N' || n", "status": "'submitted'", "description": SAID, "detail": SAID},
        ),
        ("workitems_photo", items * 3, {"work_item_id": f"1 + (n - 1) % {items}", "state": "'ready'"}),
    ]  # fmt: skip
    with connection.cursor() as cursor:
        for table, count, given in wanted:
            insert(cursor, table, count, given)
        cursor.execute("VACUUM ANALYZE")
    return {"figures": accounts * DAYS, "items": items, "photos": items * 3}
