"""`manage.py prepare`: what a new version needs before it serves, each only as far as it is missing."""

from __future__ import annotations

import io
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from project.backups import unfinished
from project.statics import collect_when_changed


class Command(BaseCommand):
    """Tables, roles and static files. The running version goes on with all of them."""

    help = "Apply migrations, bring roles up to date and collect changed static files, beside a running version"

    def handle(self, **options: Any) -> None:
        """Do what is left to do; nothing on the second call. Refuses what a restore that broke off left."""
        if left := unfinished.find():
            raise CommandError(left.advice)
        call_command("migrate", interactive=False, verbosity=0)
        call_command("sync_roles", stdout=io.StringIO())  # its changes are in the audit log
        if not settings.DEBUG:
            collect_when_changed()
