"""`manage.py import_figures FILE`: store past figures from a CSV file, line by line."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from snapshots.importing import Report, Tell, Undone, import_figures
from snapshots.past import FileUnreadable, PastFigures

STEP = 10  # per cent between two lines of progress


class Command(BaseCommand):
    """Import a CSV file, or with --dry-run say what would happen."""

    help = "Import past figures from FILE: CSV with platform, handle, date, followers and any other figures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and write nothing")

    def handle(self, *, file: Path, dry_run: bool, **options: Any) -> None:
        def run() -> Report:
            with file.open("rb") as stream:
                tell = progress(self.stderr)
                return import_figures(PastFigures(stream), file.name, by=None, dry_run=dry_run, tell=tell)

        tell_of(reported(run, file), self.stdout, dry_run=dry_run)


def reported(run: Callable[[], Report], file: Path) -> Report:
    """What `run` reports; CommandError where the file cannot be read or the import was undone meanwhile."""
    try:
        return run()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
    except (FileUnreadable, Undone) as error:
        raise CommandError(f"{file}: {error}") from error


def progress(out: OutputWrapper) -> Tell:
    """Says how far an import is, a line per step."""
    told = 0

    def tell(seen: int, total: int) -> None:
        nonlocal told
        percent = 100 * seen // total
        if percent >= told + STEP or (seen == total and told < percent):
            told = percent
            out.write(f"{percent} % of {total:,} days")

    return tell


def tell_of(report: Report, out: OutputWrapper, *, dry_run: bool) -> None:
    """Every line with something to say of it, the leaps, then the totals."""
    for note in report.notes:
        out.write(f"{note.number:>8}  {note.verdict:<9}  {note.reason}")
    for leap in report.leaps:
        change = f"{leap.before:,} to {leap.after:,} followers from {leap.since} to {leap.date}"
        out.write(f"{'leap':>8}  account {leap.account_id}: {change}; imported as it is")
    for remark in report.remarks:
        out.write(remark)
    if report.left_out:
        out.write(f"Columns without a place here: {', '.join(report.left_out)}.")
    totals = ", ".join(f"{count:,} {verdict}" for verdict, count in report.totals.items())
    out.write(f"{totals}. {'Nothing was written.' if dry_run or not report.batch else f'Stored as {report.batch}.'}")
