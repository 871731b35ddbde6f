"""`manage.py restore BACKUP`: the database and its files as they were, on an empty machine or in place of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from project import launch
from project.backups.manifest import BadBackup
from project.backups.restoring import BrokenOff, RestoreRefused, restore


class Command(BaseCommand):
    """Checks everything first, then restores all of it or nothing."""

    help = "Restore a backup into an empty database. Every hash is compared before anything is written."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the folder of the backup and --replace."""
        parser.add_argument("backup", type=Path, help="the folder that `manage.py backup` printed")
        parser.add_argument("--replace", action="store_true", help="lose everything that is in the database now")

    def handle(self, *, backup: Path, replace: bool, **options: Any) -> None:
        """Restore, and say what to look at afterwards."""
        try:
            with launch.take(settings.DATA_DIR):
                manifest = restore(backup.absolute(), self.stdout.write, replace=replace)
        except (launch.StartRefused, BadBackup, RestoreRefused, BrokenOff) as refused:
            raise CommandError(str(refused)) from refused
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {error}. Nothing was restored.") from error
        except OSError as error:
            place = error.filename or settings.MEDIA_ROOT
            raise CommandError(
                f"{place} cannot be written or read ({error.strerror}). Nothing was restored."
            ) from error
        if manifest.zone != settings.TIME_ZONE:
            self.stdout.write(f"TIME_ZONE was {manifest.zone}: set it so, or days begin at another hour than before.")
        self.stdout.write(
            f"Restored: {manifest.rows:,} rows as of {manifest.made_at}. Everybody signs in anew. People who were"
            " deactivated or erased, tokens that were revoked and passwords that were changed since then are as they"
            " were: see “Backup and restore” in docs/operations.md."
        )
