"""manage.py clear_cache: drop every cached answer of ours."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from perf.cache import Unreachable
from project.clearing import clear_cache


class Command(BaseCommand):
    """Clears the product's own cache namespaces; sessions, limits and the queue stay as they are."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Print how many entries were dropped."""
        try:
            count = clear_cache(None)
        except Unreachable as error:
            raise CommandError("Redis does not answer, so nothing was cleared. Pages read the database.") from error
        self.stdout.write(f"{count} cached entries dropped.")
