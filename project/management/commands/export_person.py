"""`manage.py export_person`: write everything that is kept about one person into a zip."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from project.disclosing import disclose


class Command(BaseCommand):
    """The file appears whole, readable by its owner alone, or not at all."""

    help = "Write one person's rows as JSON and their photographs into a zip."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the person's user name")
        parser.add_argument("--output", type=Path, help="the file to write; by default NAME.zip here")

    def handle(self, *, name: str, output: Path | None, **options: Any) -> None:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"Nobody is called {name!r} here.")
        path = output or Path(f"{name}.zip")
        if path.exists():
            raise CommandError(f"{path} exists already. Nothing was written.")
        part = path.with_name(f"{path.name}.part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                counts = disclose(user, file, by=None)
            part.rename(path)
        except FileExistsError:
            raise CommandError(f"{part} exists already: another export of it runs, or was killed. Remove it.") from None
        except OSError as error:
            part.unlink(missing_ok=True)
            raise CommandError(f"{path} could not be written ({error.strerror}). Nothing was kept of it.") from error
        for kind, count in counts.items():
            self.stdout.write(f"{count:>9,} {kind}")
        self.stdout.write(f"Everything about {name} is in {path}.")
