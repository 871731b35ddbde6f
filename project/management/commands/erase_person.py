"""`manage.py erase_person`: take one person out of everything; their work stays under a pseudonym."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from project import erasing


class Command(BaseCommand):
    """Says what it would do, asks, does it, and says what is left for people to look at."""

    help = "Erase one person's name, addresses, sessions, tokens and photo positions; their work stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the person's user name")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument(
            "--also", action="append", default=[], metavar="WORDS", help="another name they are known by"
        )
        parser.add_argument("--yes", action="store_true", help="erase without asking")

    def handle(self, *, name: str, dry_run: bool, also: list[str], yes: bool, **options: Any) -> None:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"Nobody is called {name!r} here. Whoever was erased is called erased-<number>.")
        if erasing.is_erased(user):
            self.stdout.write(f"{name} is erased already. Nothing was changed.")
            return
        try:
            self._say(erasing.plan(user, also))
            if dry_run:
                self.stdout.write("Nothing was changed.")
                return
            if not yes and input(f"Erase {name}? It cannot be undone. [y/N] ").strip().lower() != "y":
                raise CommandError("Nothing was changed.")
            done = erasing.erase(user, by=None, also=also)
        except erasing.NotErased as refused:
            raise CommandError(f"{refused} Nothing was changed.") from refused
        for warning in done.warnings:
            self.stderr.write(warning)
        self.stdout.write(f"{name} is erased; the work is kept under {done.pseudonym}.")

    def _say(self, erasure: erasing.Erasure) -> None:
        """One line for each kind of thing."""
        kinds = (("renamed in", erasure.renamed), ("deleted from", erasure.deleted), ("looked through", erasure.files))
        for verb, counts in kinds:
            for what, count in counts.items():
                self.stdout.write(f"{count:>9,} {verb} {what}")
        for place, count in erasure.left.items():
            self.stdout.write(f"{count:>9,} left in {place}, which names things: rename them by hand")
