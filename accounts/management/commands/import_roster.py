"""`manage.py import_roster FILE`: bring the registry up to a roster file, line by line."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.importing import Import, import_roster
from accounts.rosters import FORMATS, RosterUnreadable, read_roster


class Command(BaseCommand):
    """Import a JSON, CSV or plain-address roster."""

    help = "Import accounts from FILE: a JSON list, CSV with headings, or one address a line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", choices=FORMATS, default="", help="told by the file's look unless given")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and write nothing")
        parser.add_argument("--all-or-nothing", action="store_true", help="write nothing if any line is refused")

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            with file.open("rb") as stream:
                rows = read_roster(stream, options["format"])
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except RosterUnreadable as error:
            raise CommandError(f"{file}: {error}") from error
        all_or_nothing = options["all_or_nothing"]
        done = import_roster(
            rows, by=None, all_or_nothing=all_or_nothing, dry_run=options["dry_run"], name=file.name[:255]
        )
        self.report(done)
        if all_or_nothing and done.counts["refused"]:
            sys.exit(1)

    def report(self, done: Import) -> None:
        """Every line with its verdict and reason, then the totals."""
        for line in done.lines:
            text = f"{line.number:>6}  {line.verdict:<9}  {line.given}"
            self.stdout.write(f"{text}  ({line.reason})" if line.reason else text)
        totals = ", ".join(f"{count} {verdict}" for verdict, count in done.counts.items())
        self.stdout.write(f"{totals}. {'Written.' if done.written else 'Nothing was written.'}")
