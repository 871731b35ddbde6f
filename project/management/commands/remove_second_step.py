"""`manage.py remove_second_step`: for whoever lost phone and recovery codes, and knows no other administrator."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from project import second_step


class Command(BaseCommand):
    """Others ask an administrator, who takes it away in the administration; both are on the record."""

    help = "Let one person sign in with the password alone again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the person's user name")

    def handle(self, *, name: str, **options: Any) -> None:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"Nobody is called {name!r} here.")
        if not second_step.remove(user, by=None):
            raise CommandError(f"{name} signs in with the password alone already. Nothing was changed.")
        self.stdout.write(f"{name} signs in with the password alone from now on.")
