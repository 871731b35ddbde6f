"""Making a backup while everybody works: whole and verified under its name, or not there at all."""

from __future__ import annotations

import fcntl
import gzip
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from perf import clock
from perf.events import happened
from perf.isolation import look, one_state
from project.backups import files, rows, unfinished
from project.backups.manifest import TABLES, Hashed, Manifest, Say, Table, list_media, table_file

NAME = "tidemark-{:%Y%m%dT%H%M%SZ}"
LIKE = "tidemark-????????T??????Z"
PART = ".part"
STATES = 5  # states of the database that are tried before files that vanish are told of
COMPRESSION = 1  # zlib's quickest: a level more takes twice as long for a tenth less


class BackupRefused(Exception):
    """No backup can be made now; the message is for people."""


def make(into: Path, say: Say) -> tuple[Path, Manifest]:
    """Write a backup into a new folder of `into` and verify it; where it lies and what it holds.

    Raises BackupRefused, OSError; then nothing of it is left.
    """
    if left := unfinished.find():
        raise BackupRefused(left.advice)
    with _alone(into):
        path = into / NAME.format(clock.now())
        if path.exists():
            raise BackupRefused(f"{path} was made this very second. Try again.")
        part = path.with_name(path.name + PART)
        part.mkdir(mode=0o700)
        try:
            manifest = _write(part, say)
            manifest.verify(part, say)
            _settle(part)
            part.rename(path)
            _sync(into)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    happened(None, "backup.made", path.name, {"rows": manifest.rows, "missing": len(manifest.missing)})
    return path, manifest


def made(into: Path) -> list[Path]:
    """The backups in `into`, the newest first."""
    return sorted((path for path in into.glob(LIKE) if path.is_dir()), reverse=True)


def keep(into: Path, newest: int) -> list[Path]:
    """Remove all backups in `into` but the `newest`; which went."""
    with _alone(into):
        gone = made(into)[newest:]
        for path in gone:
            doomed = path.with_name(path.name + PART)  # half of one is not to be taken for a backup
            path.rename(doomed)
            shutil.rmtree(doomed)
    return gone


@contextmanager
def _alone(into: Path) -> Iterator[None]:
    """Hold `into` for ourselves, and clear away what a killed backup left there."""
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(into, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left in into.glob(LIKE + PART):
            shutil.rmtree(left)
        yield
    except BlockingIOError as error:
        raise BackupRefused(f"Another backup is being written to {into}. Nothing was done.") from error
    finally:
        os.close(descriptor)


def _write(part: Path, say: Say) -> Manifest:
    """Most files first, then one state of the database, then the files that came meanwhile.

    A file may go before it is copied: a photo is deleted for good, a rendition made anew. Then the state that speaks of
    it is given up for a later one; what was copied stays. So every file that the rows name is there, but for those
    that were lost before.
    """
    media: dict[str, str] = {}
    files.copy_out(files.named(), part, media, say)
    for _ in range(STATES):
        with one_state():
            rows.written_so()
            look()
            made_at = clock.now()
            migrations, tables, named = _applied(), _tables(part, say), files.named()
        missing = files.copy_out(named, part, media, say)
        if not missing or missing <= files.named():
            break
        say("Files were removed meanwhile: the database is read again")
    else:
        raise BackupRefused(f"Files were removed {STATES} times while they were copied. Try again when less is done.")
    files.drop(media.keys() - named, part, media)
    manifest = Manifest(
        made_at=made_at.isoformat(),
        database=connection.vendor,
        zone=settings.TIME_ZONE,
        migrations=migrations,
        tables=tables,
        media=list_media(part, media),
        missing=sorted(missing),
    )
    manifest.write(part)
    return manifest


def _applied() -> list[list[str]]:
    """The migrations of this database. Raises BackupRefused when it is not as this version's models are."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise BackupRefused("Migrations are not applied: run `manage.py migrate` first.")
    return sorted(list(key) for key in executor.loader.graph.nodes if key in executor.loader.applied_migrations)


def _tables(part: Path, say: Say) -> dict[str, Table]:
    (part / TABLES).mkdir(mode=0o700, exist_ok=True)
    models = [model for model in rows.stored_models(apps) if model._meta.db_table not in rows.LEFT_OUT]
    return {model._meta.db_table: _table(model, part, say) for model in models}


def _table(model: rows.Model, part: Path, say: Say) -> Table:
    name = model._meta.db_table
    with table_file(part, name).open("wb") as file:
        hashed = Hashed(file)
        with gzip.GzipFile(fileobj=cast(IO[bytes], hashed), mode="wb", compresslevel=COMPRESSION, mtime=0) as lines:
            count = rows.write(model, cast(IO[bytes], lines))
        file.flush()
        os.fsync(file.fileno())
    if count:
        say(f"{name}: {count:,} rows")
    return Table(list(rows.columns_of(model)), count, rows.next_number(model), hashed.size, hashed.sha256)


def _settle(part: Path) -> None:
    """Have the folders on the disk too; the files are."""
    for folder, _, _ in os.walk(part):
        _sync(Path(folder))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
