"""manage.py sync_roles: give every role exactly its permissions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from perf.events import happened
from project.roles import sync_roles, unknown


class Command(BaseCommand):
    """Makes the groups of project/roles.py hold what that file says; other groups stay as they are."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each change, or that there was none; fail on a permission that does not exist."""
        if missing := unknown():
            raise CommandError(f"No model declares {', '.join(missing)}. Run manage.py migrate first.")
        changes = sync_roles()
        if changes:
            happened(None, "roles.synchronised", "", {"changes": changes})
        self.stdout.write("\n".join(changes) or "Every role already has its permissions.")
