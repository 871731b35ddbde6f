"""What a Tidemark of a size needs: measured with two numbers of accounts, carried on to a million where that is a line.

Disk, the time of a night's recording and of exports, and calls to platforms. What is carried on says so.
"""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction

from accounts.models import Account
from benchmarks import figures
from benchmarks.ground import Line
from perf.clock import today
from scraping.connectors import CONNECTORS
from scraping.gather import MAX_CLAIM
from scraping.retention import JOB_DAYS
from snapshots.exports.filters import ExportFilters
from snapshots.exports.formats import FORMATS
from snapshots.exports.reading import chunks
from snapshots.recording import Sighting, record

ACCOUNTS, DAYS, SMALLER = 100_000, 30, 10
SIZES = (10_000, 100_000, 1_000_000)
YEAR = 365
READER = User(pk=0, is_active=True, is_superuser=True)
GB = 1e9

Needs = dict[str, float]
"""Of one account: bytes, seconds or calls."""


def measure(accounts: int = ACCOUNTS, days: int = DAYS) -> list[Line]:
    """Fill a tenth of `accounts`, then all, with `days` of figures each; measure both and carry the larger on."""
    small, large = (_needs(number, days) for number in (max(accounts // SMALLER, 1), accounts))
    lines = [
        Line(f"of one account: {case}", f"{accounts:,} accounts", large[case], unit, large[case] / small[case])
        for case, unit in UNITS.items()
    ]
    lines.append(Line("memory of the process that did it", "most", _memory(), "MB"))
    for size in SIZES:
        how = "measured" if size == accounts else "carried on"
        lines += [Line(f"{size:,} accounts", f"{case}, {how}", value, unit) for case, value, unit in _of(size, large)]
    return lines


UNITS = {
    "a figure with its indexes": "bytes",
    "its row, latest row and their indexes": "bytes",
    "a day's share of the totals": "bytes",
    "a day's job with its indexes": "bytes",
    "a day's try with its indexes": "bytes",
    "recording its day": "s",
    "its line of a day in CSV": "s",
    "its line of a day in JSON": "s",
    "calls to its platform a day": "calls",
}
"""What is measured; the ratio in the report is against a tenth of the accounts, and 1 where it is a straight line."""


def _of(size: int, one: Needs) -> Iterator[tuple[str, float, str]]:
    """What `size` accounts need by what one of them does."""
    figure, account, total, job, attempt, recording, csv, json, calls = (size * one[case] for case in UNITS)
    yield "figures of a year", (figure + total) * YEAR / GB, "GB"
    yield "accounts and latest rows", account / GB, "GB"
    tries = settings.SCRAPE_ATTEMPT_DAYS
    yield f"jobs of {JOB_DAYS} days and tries of {tries}", (job * JOB_DAYS + attempt * tries) / GB, "GB"
    yield "recording a day, one core", recording, "s"
    yield "export of a day as CSV", csv, "s"
    yield "export of a day as JSON", json, "s"
    yield "calls to platforms a day, in full batches and none repeated", calls, "calls"


def _needs(accounts: int, days: int) -> Needs:
    """Measure `accounts`, alone in the database."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE accounts_account, accounts_organization RESTART IDENTITY CASCADE")
    figures.fill(accounts, days)
    _work(accounts)
    recorded = _recorded(accounts)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM FULL snapshots_latestsnapshot")
    sizes = {table: figures.bytes_of(table) / accounts for table in TABLES}
    return {
        "a figure with its indexes": sizes["snapshots_snapshot"] / (days + 1),
        "its row, latest row and their indexes": sizes["accounts_account"] + sizes["snapshots_latestsnapshot"],
        "a day's share of the totals": (sizes["snapshots_dailytotal"] + sizes["snapshots_platformtotal"]) / (days + 1),
        "a day's job with its indexes": sizes["scraping_scrapejob"],
        "a day's try with its indexes": sizes["scraping_attempt"],
        "recording its day": recorded / accounts,
        "its line of a day in CSV": _exported("csv") / accounts,
        "its line of a day in JSON": _exported("json") / accounts,
        "calls to its platform a day": _calls() / accounts,
    }


TABLES = (
    *("accounts_account", "snapshots_snapshot", "snapshots_latestsnapshot", "snapshots_dailytotal"),
    *("snapshots_platformtotal", "scraping_scrapejob", "scraping_attempt"),
)


def _work(accounts: int) -> None:
    """A day's jobs and tries, done at once."""
    done = {"account_id": "n", "platform": "'x'", "reason": "'planned'", "state": "'done'", "outcome": "'ok'"}
    tried = {"account_id": "n", "job_id": "n", "platform": "'x'", "outcome": "'ok'", "step": "'read'"}
    with connection.cursor() as cursor:
        figures.insert(
            cursor, "scraping_scrapejob", accounts,
            done | {"started_at": "now()", "finished_at": "now()", "waited": "'0'"},
        )  # fmt: skip
        figures.insert(cursor, "scraping_attempt", accounts, tried | {"worker": "'worker@host-1'", "status": "200"})


def _recorded(accounts: int) -> float:
    """Seconds to record today's figures, as many at a time as a worker claims."""
    at = datetime.combine(today(), datetime.min.time(), UTC) + timedelta(hours=4)
    seen = [
        Sighting(pk, today(), at, "simulated", 5_000 + pk % 997, posts=pk % 97, likes=pk % 89, comments=3, shares=2)
        for pk in range(1, accounts + 1)
    ]

    def write() -> None:
        for start in range(0, accounts, MAX_CLAIM):
            with transaction.atomic():
                record(seen[start : start + MAX_CLAIM], at=at)

    return _timed(write)


def _exported(name: str) -> float:
    """Seconds to write today's figures of all accounts into a file of that format."""
    fmt, wanted = FORMATS[name], ExportFilters.model_validate({"from": today(), "to": today()})

    def write() -> None:
        rows = chunks(wanted.figures(READER), wanted.order, fmt.columns)
        for _ in fmt.pieces(rows, list(fmt.columns), datetime.now(UTC)):
            pass

    return _timed(write)


def _calls() -> float:
    """Calls that read every account once, in batches as full as each platform takes them."""
    counts = Counter(Account.objects.values_list("platform", flat=True))
    return sum(-(-number // CONNECTORS[platform].batch_size) for platform, number in counts.items())


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000


def _timed(run: Callable[[], Any]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
