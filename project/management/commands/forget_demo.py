"""`manage.py forget_demo`: remove everything simulated, so that real figures can be gathered here."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from project import demo


class Command(BaseCommand):
    """Shows what the demo left in the database and deletes it on a yes."""

    help = "Delete the demo's simulated figures, its accounts and its scrapes; ask first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --yes."""
        parser.add_argument("--yes", action="store_true", help="delete without asking")

    def handle(self, *, yes: bool, **options: Any) -> None:
        """Show the counts, ask, delete."""
        if settings.FAKE_PLATFORMS_URL:
            raise CommandError("The demo is running and would write new figures: stop it first.")
        counts = demo.belongings()
        for what, count in counts.items():
            self.stdout.write(f"{count:>9,} {what}")
        if not any(counts.values()):
            self.stdout.write("There is nothing to forget.")
            return
        if not yes and input("Delete all of these? They cannot be brought back. [y/N] ").strip().lower() != "y":
            raise CommandError("Nothing was deleted.")
        demo.forget()
        self.stdout.write("The demo is forgotten.")
