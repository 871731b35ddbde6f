"""`manage.py backup`: the database and its files in one folder, while everybody works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from project.backups.making import BackupRefused, keep, make
from project.backups.manifest import BadBackup, Manifest


class Command(BaseCommand):
    """Writes a backup, or verifies one."""

    help = "Write the database and its files into a new folder, every part with its SHA-256, while everybody works."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the options."""
        parser.add_argument("--to", type=Path, metavar="FOLDER", help="where it goes; DATA_DIR/backups unless given")
        parser.add_argument("--keep", type=int, metavar="N", help="remove all but the N newest there when it is made")
        parser.add_argument("--verify", type=Path, metavar="BACKUP", help="only compare every hash of this backup")

    def handle(self, *, to: Path | None, keep: int | None, verify: Path | None, **options: Any) -> None:
        """Print the folder of the new backup as the only line of the output; progress goes beside it."""
        if keep is not None and keep < 1:
            raise CommandError("--keep must be 1 or more: the backup that is made now is kept.")
        if verify is not None:
            self._verify(verify)
            return
        into = to.absolute() if to else settings.DATA_DIR / "backups"
        try:
            path, manifest = make(into, self._say)
        except (BackupRefused, BadBackup) as refused:
            raise CommandError(str(refused)) from refused
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {error}. Nothing was kept of this backup.") from error
        except OSError as error:
            raise CommandError(
                f"{error.filename or into} cannot be written or read ({error.strerror}). Nothing was kept of this"
                " backup; earlier ones stand."
            ) from error
        self._tell(manifest)
        self.stdout.write(str(path))
        if keep is not None:
            self._prune(into, keep)

    def _say(self, line: str) -> None:
        self.stderr.write(line)

    def _verify(self, folder: Path) -> None:
        try:
            manifest = Manifest.of(folder)
            media = manifest.verify(folder, self._say)
        except BadBackup as bad:
            raise CommandError(str(bad)) from bad
        self.stdout.write(
            f"Whole: {manifest.rows:,} rows in {len(manifest.tables)} tables and {len(media):,} files as of"
            f" {manifest.made_at}."
        )

    def _tell(self, manifest: Manifest) -> None:
        self._say(f"{manifest.rows:,} rows in {len(manifest.tables)} tables, read back and found whole.")
        for name in manifest.missing[:20]:
            self._say(f"A row speaks of {name}, which was lost before this backup.")
        if len(manifest.missing) > 20:
            self._say(f"… and of {len(manifest.missing) - 20:,} more; manifest.json lists them.")

    def _prune(self, into: Path, newest: int) -> None:
        for gone in keep(into, newest):
            self._say(f"Removed {gone}")


__all__ = ["Command"]
