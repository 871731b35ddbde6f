"""Days of past figures on disk, in the order of their dates: a file of any size takes little memory."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from snapshots.doubts import is_leap
from snapshots.figures import COUNTS

_COLUMNS = ", ".join(COUNTS)


@dataclass(frozen=True, slots=True)
class Day:
    """One account's day as a file has it; `number` is the line that says so."""

    number: int
    account_id: int
    date: dt.date
    figures: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Leap:
    """Followers that changed more between two days of a file than accounts' do."""

    account_id: int
    since: dt.date
    date: dt.date
    before: int
    after: int


class Stage:
    """A temporary table that goes with the process; use it as a context manager."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")  # a file without a name, which SQLite removes
        self._db.execute(
            f"CREATE TABLE day (date INTEGER, account INTEGER, number INTEGER, {_COLUMNS}, "
            "PRIMARY KEY (date, account)) WITHOUT ROWID"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._db.close()

    def __len__(self) -> int:
        """How many days there are."""
        count: int = self._db.execute("SELECT COUNT(*) FROM day").fetchone()[0]
        return count

    def put(self, day: Day) -> None:
        """Keep `day`, in place of what was said of the same account and date before."""
        places = ", ".join("?" * (3 + len(COUNTS)))
        row = (day.date.toordinal(), day.account_id, day.number, *(day.figures.get(name) for name in COUNTS))
        self._db.execute(f"INSERT OR REPLACE INTO day VALUES ({places})", row)  # noqa: S608  # question marks

    def find(self, account_id: int, date: dt.date) -> Day | None:
        """What is kept of an account's day."""
        row = self._db.execute("SELECT * FROM day WHERE date = ? AND account = ?", (date.toordinal(), account_id))
        return next(map(_day, row), None)

    def chunks(self, size: int) -> Iterator[list[Day]]:
        """All days, by date and account, so many at a time."""
        rows = self._db.execute("SELECT * FROM day ORDER BY date, account")
        while found := rows.fetchmany(size):
            yield [_day(row) for row in found]

    def span(self) -> tuple[dt.date, dt.date] | None:
        """The first and the last date; None when nothing is kept."""
        first, last = self._db.execute("SELECT MIN(date), MAX(date) FROM day").fetchone()
        return (dt.date.fromordinal(first), dt.date.fromordinal(last)) if first else None

    def leaps(self) -> Iterator[Leap]:
        """Changes from one day of an account that says its followers to the next that would be doubted if observed."""
        rows = self._db.execute(
            "SELECT account, LAG(date) OVER own, date, LAG(followers) OVER own, followers FROM day "
            "WHERE followers IS NOT NULL WINDOW own AS (PARTITION BY account ORDER BY date) ORDER BY account, date"
        )
        for account, since, date, before, after in rows:
            if since is not None and is_leap(before, after, days=date - since):
                yield Leap(account, dt.date.fromordinal(since), dt.date.fromordinal(date), before, after)


def _day(row: tuple[int, ...]) -> Day:
    date, account, number, *counts = row
    figures = {name: count for name, count in zip(COUNTS, counts, strict=True) if count is not None}
    return Day(number, account, dt.date.fromordinal(date), figures)
