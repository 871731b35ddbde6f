"""Makes latest rows and daily totals anew from the snapshots, or says whether they are right."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from snapshots.rollups import recompute


class Command(BaseCommand):
    """manage.py rebuild_rollups [--check]"""

    help = "Make latest rows and daily totals anew from the snapshots. Writers of figures wait meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Change nothing; fail if anything is wrong.")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        drift = recompute(write=not check)
        found = f"{drift.latest:,} latest rows and {drift.totals:,} daily totals"
        if check and drift:
            raise CommandError(f"{found} are wrong. Run rebuild_rollups to put them right.")
        self.stdout.write("Latest rows and daily totals are right." if not drift else f"Put right: {found}.")
