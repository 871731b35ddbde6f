"""Past figures from the predecessor's SQLite file: its accounts and daily rows, without the zeros it invented.

It stored 0 for what it could not read, and nothing ever filled its table of posts, which is left out.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction

from accounts.importing import Line, import_roster, plan_import
from accounts.importing import Verdict as RosterVerdict
from accounts.models import Account
from accounts.rosters import Row
from perf import clock, foreign
from snapshots.importing import Report, Tell, Verdict, store
from snapshots.past import FIRST_DAY, LARGEST, FileUnreadable
from snapshots.staging import Day, Stage

if TYPE_CHECKING:
    from accounts.models import Person

ACCOUNTS, DAYS = "dim_account", "fact_followers_snapshot"
COLUMNS = {
    "followers_count": "followers",
    "following_count": "following",
    "listed_count": "listed",
    "posts_count": "posts",
    "stories_count": "stories",
    "videos_count": "videos",
    "live_streams_count": "live_streams",
    "likes_count": "likes",
    "comments_count": "comments",
    "shares_count": "shares",
    "video_views": "video_views",
    "total_video_views": "total_video_views",
    "engagements_total": "engagements",
}
"""Its columns and ours. subscribers_count stands in where followers_count says nothing; rates are worked out anew."""


def import_legacy(
    path: Path, *, by: Person, since: dt.date = FIRST_DAY, dry_run: bool = False, tell: Tell | None = None
) -> Report:
    """Store the days from `since` on of the file at `path`, which is only read; accounts that are unknown are made.

    Raises FileUnreadable when it is not such a file. A `dry_run` writes nothing.
    """
    report = Report()
    with _opened(path) as old, Stage() as stage:
        accounts = _accounts(old, report, by=by, dry_run=dry_run)
        _put_days(old, accounts, stage, report, since)
        return store(stage, report, path.name, by=by, dry_run=dry_run, tell=tell)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, for reading only."""
    try:
        with foreign.opened(path, tables=(ACCOUNTS, DAYS)) as old:
            yield old
    except foreign.Unreadable as error:
        raise FileUnreadable(str(error)) from error


def _accounts(old: sqlite3.Connection, report: Report, *, by: Person, dry_run: bool) -> dict[int, int]:
    """Our account of each of its account_key; those to be made by a run that is not dry count from -1 down."""
    rows = [dict(row) for row in old.execute(f"SELECT * FROM {ACCOUNTS} ORDER BY account_key")]  # noqa: S608  # ours
    roster, planned = _roster(rows)
    new = [row for row, line in zip(roster, planned, strict=True) if line.verdict is RosterVerdict.NEW]
    if new and not dry_run:
        asleep = {row.number for row, old_row in zip(roster, rows, strict=True) if old_row.get("is_active") == 0}
        _make(new, asleep, by)
        planned = plan_import(roster)
    if new:
        report.remarks.append(f"Unknown accounts that {'would be' if dry_run else 'were'} added: {len(new):,}.")
    for line in planned:
        if line.verdict is RosterVerdict.REFUSED:
            report.remarks.append(f"Its account {line.given[:60]} was left out: {line.reason}")
    by_key = {line.key: line.account_id or -1 - line.number for line in reversed(planned) if _usable(line)}
    keys = zip(rows, planned, strict=True)
    return {row["account_key"]: by_key[line.key] for row, line in keys if line.key in by_key}


def _usable(line: Line) -> bool:
    return line.account_id is not None or line.verdict is RosterVerdict.NEW


def _roster(rows: Sequence[dict[str, Any]]) -> tuple[list[Row], list[Line]]:
    """Its accounts as lines of a roster with their verdicts: by address, and by name where that names no profile."""
    addressed = [_row(number, row, url=str(row.get("account_url") or "")) for number, row in enumerate(rows)]
    first = plan_import(addressed)
    roster = [
        _row(line.number, row, handle=str(row.get("handle") or "")) if line.verdict is RosterVerdict.REFUSED else given
        for row, given, line in zip(rows, addressed, first, strict=True)
    ]
    return roster, plan_import(roster)


def _row(number: int, row: dict[str, Any], *, url: str = "", handle: str = "") -> Row:
    return Row(
        number,
        platform=str(row.get("platform") or ""),
        handle=handle,
        url=url,
        organization=str(row.get("org_name") or "")[:200],
        core_if_new=row.get("is_core_account") == 1,
    )


def _make(new: list[Row], asleep: set[int], by: Person) -> None:
    """Add the accounts; those that it did not scrape any more are not scraped here either."""
    with transaction.atomic():
        lines = import_roster(new, by=by).lines
        ids = [line.account_id for line in lines if line.account_id and line.number in asleep]
        Account.objects.filter(pk__in=ids).deactivate(by)


def _put_days(old: sqlite3.Connection, accounts: dict[int, int], stage: Stage, report: Report, since: dt.date) -> None:
    """Keep every day that says something, the last row of a day ruling; say what was left out."""
    rows = old.execute(
        f"SELECT *, rowid AS number FROM {DAYS} ORDER BY account_key, snapshot_date, snapshot_id"  # noqa: S608  # ours
    )
    left: Counter[str] = Counter()
    for key, days in groupby(rows, key=lambda row: row["account_key"]):
        account = accounts.get(key)
        if account is None:
            left["rows"] += sum(1 for _ in days)
            continue
        for day in _days(days, account, report, left):
            if day.date < since:
                left["early"] += 1
            else:
                left["twice"] += stage.find(account, day.date) is not None
                stage.put(day)
    report.remarks += [
        (one if left[name] == 1 else many).format(left[name]) for name, (one, many) in REMARKS.items() if left[name]
    ]


REMARKS = {
    "zeros": (
        "1 zero was left out: the predecessor stored 0 for pages it could not read.",
        "{:,} zeros were left out: the predecessor stored 0 for pages it could not read.",
    ),
    "empty": (
        "1 row had nothing else to say and was left out.",
        "{:,} rows had nothing else to say and were left out.",
    ),
    "twice": (
        "1 row more of a day it had: the last one stands.",
        "{:,} rows more of days it had: the last one stands.",
    ),
    "rows": (
        "1 row belongs to an account that was left out or is not in its own list.",
        "{:,} rows belong to accounts that were left out or are not in its own list.",
    ),
    "early": ("1 day before the day asked for was left out.", "{:,} days before the day asked for were left out."),
}


def _days(rows: Any, account: int, report: Report, left: Counter[str]) -> Iterator[Day]:
    """One account's rows as days, without the zeros that stand for nothing read."""
    counted: set[str] = set()  # figures that were more than 0 on an earlier day
    for row in rows:
        date, fault = _date(row["snapshot_date"])
        figures, bad = _figures(row)
        if fault or bad:
            report.note(row["number"], Verdict.REFUSED, fault or bad)
            continue
        real = {
            name: count for name, count in figures.items() if count or (name not in counted and any(figures.values()))
        }
        counted |= {name for name, count in real.items() if count}
        left["zeros"] += len(figures) - len(real)
        if real:
            yield Day(row["number"], account, date, real)
        else:
            left["empty"] += 1


def _figures(row: sqlite3.Row) -> tuple[dict[str, int], str]:
    """What a row says, or why it cannot be used; columns that its version of the table lacks say nothing."""
    columns = row.keys()
    said = {ours: row[theirs] for theirs, ours in COLUMNS.items() if theirs in columns}
    if not said.get("followers") and "subscribers_count" in columns and row["subscribers_count"]:
        said["followers"] = row["subscribers_count"]
    for name, count in said.items():
        if count is not None and (not isinstance(count, int) or not 0 <= count <= LARGEST):
            return {}, f"{str(count)[:40]} {name} is no number of theirs."
    return {name: count for name, count in said.items() if count is not None}, ""


def _date(cell: Any) -> tuple[dt.date, str]:
    try:
        date = dt.date.fromisoformat(str(cell)[:10])
    except ValueError:
        return FIRST_DAY, f"“{str(cell)[:40]}” is no day."
    if not FIRST_DAY <= date <= clock.today():
        return date, f"{date} is still to come or before {FIRST_DAY.year}."
    return date, ""
