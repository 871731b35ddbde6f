"""manage.py create_token: make an access token and print it."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from perf import clock
from project.roles import Scope
from project.views import make_token


class Command(BaseCommand):
    """Prints the token alone, so that a script can keep it; it is shown nowhere again."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", required=True, help="username of the person whose rights it narrows")
        parser.add_argument("--name", required=True, help="what uses it")
        parser.add_argument("--scope", required=True, choices=Scope.values)
        parser.add_argument("--days", type=int, help="how long it lives; without it until it is revoked")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the token for an active user."""
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']!r}.")
        days = options["days"]
        if days is not None and days < 1:
            raise CommandError("--days must be at least 1.")
        expires_at = clock.now() + timedelta(days=days) if days else None
        self.stdout.write(make_token(user, name=options["name"], scope=options["scope"], expires_at=expires_at))
