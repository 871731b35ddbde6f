"""`manage.py import_legacy FILE.sqlite3`: take over the predecessor's accounts and daily figures."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from snapshots.legacy import import_legacy
from snapshots.management.commands.import_figures import progress, reported, tell_of
from snapshots.past import FIRST_DAY


class Command(BaseCommand):
    """Read the file, which stays as it is, and store what is real in it."""

    help = (
        "Import accounts and daily figures from the predecessor's SQLite file, without the zeros it stored for blocks."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--since", type=date.fromisoformat, default=FIRST_DAY, help="leave earlier days out")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and write nothing")

    def handle(self, *, file: Path, since: date, dry_run: bool, **options: Any) -> None:
        tell = progress(self.stderr)
        run = lambda: import_legacy(file, by=None, since=since, dry_run=dry_run, tell=tell)  # noqa: E731
        tell_of(reported(run, file), self.stdout, dry_run=dry_run)
