"""`manage.py import_legacy FILE.sqlite3`: take over what either predecessor kept: figures, or work items and photos."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from perf import foreign
from snapshots.legacy import import_legacy
from snapshots.management.commands.import_figures import progress, reported, tell_of
from snapshots.past import FIRST_DAY
from workitems.legacy import ITEMS, import_items


class Command(BaseCommand):
    """Read the file, which stays as it is, and store what is real in it."""

    help = (
        "Import from a predecessor's SQLite file: accounts and daily figures without the zeros it stored for blocks,"
        " or work items with their photos. Which of the two it is, the file says."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--since", type=date.fromisoformat, default=FIRST_DAY, help="leave earlier figures out")
        parser.add_argument("--photos", type=Path, help="the folder with the work items' photos")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and write nothing")

    def handle(self, *, file: Path, since: date, photos: Path | None, dry_run: bool, **options: Any) -> None:
        try:
            has_items = ITEMS in foreign.tables_of(file)
        except foreign.Unreadable as error:
            raise CommandError(str(error)) from error
        if has_items:
            self._items(file, photos, dry_run=dry_run)
            return
        tell = progress(self.stderr)
        run = lambda: import_legacy(file, by=None, since=since, dry_run=dry_run, tell=tell)  # noqa: E731
        tell_of(reported(run, file), self.stdout, dry_run=dry_run)

    def _items(self, file: Path, folder: Path | None, *, dry_run: bool) -> None:
        if folder is not None and not folder.is_dir():
            raise CommandError(f"{folder} is no folder.")
        try:
            report = import_items(file, folder, by=None, dry_run=dry_run)
        except foreign.Unreadable as error:
            raise CommandError(str(error)) from error
        for line in report.lines:
            self.stdout.write(line)
        counts = ", ".join(f"{count:,} {what}" for what, count in sorted(report.counts.items()))
        self.stdout.write(f"{counts or 'no items'}. {'Nothing was written.' if dry_run else ''}".rstrip())
