"""manage.py index_search: make what the search of work items lacks to be quick."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from workitems import search_index


class Command(BaseCommand):
    """Builds beside running writers; what is there stays."""

    help = "Make the indexes of the search of work items, after the extension pg_trgm came to be allowed."

    def handle(self, *args: Any, **options: Any) -> None:
        if not search_index.build(connection):
            raise CommandError("Parts of words still have no index. Nothing else is missing.")
        self.stdout.write("The search has all its indexes.")
