"""The files that rows name: which they are, and copying them out of the storage and back into it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import models

from project.backups.manifest import BLOCK, Hashed, Say, media_file
from workitems.models import Document, Photo

NAMED: tuple[tuple[type[models.Model], str], ...] = (
    (Photo, "original"),
    (Photo, "rendition"),
    (Photo, "thumbnail_path"),
    (Document, "file"),
)
"""The columns that name files of the storage. Exports and bundles do not: theirs are made anew when asked for."""


def named() -> set[str]:
    """Every file that a row of the database speaks of, as the transaction sees it."""
    return {name for model, column in NAMED for name in _column(model, column)}


def _column(model: type[models.Model], column: str) -> Iterator[str]:
    rows = model._base_manager.exclude(**{column: ""}).order_by()
    return rows.values_list(column, flat=True).iterator(chunk_size=10_000)


def copy_out(names: set[str], folder: Path, media: dict[str, str], say: Say) -> set[str]:
    """Copy those of `names` that `media` has not into the backup at `folder`, adding their hashes; those not there."""
    gone = set()
    for number, name in enumerate(sorted(names - media.keys()), start=1):
        path = media_file(folder, name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            media[name] = _copy(name, path)
        except FileNotFoundError:
            path.unlink(missing_ok=True)
            gone.add(name)
        if number % 1_000 == 0:
            say(f"{number:,} files copied")
    return gone


def _copy(name: str, path: Path) -> str:
    with default_storage.open(name) as source, path.open("wb") as file:
        hashed = Hashed(file)
        while block := source.read(BLOCK):
            hashed.write(block)
        file.flush()
        os.fsync(file.fileno())
    return hashed.sha256


def drop(names: set[str], folder: Path, media: dict[str, str]) -> None:
    """Take those of `names` that were copied out of the backup at `folder` again."""
    for name in names & media.keys():
        media_file(folder, name).unlink()
        del media[name]


class Returned:
    """Files on their way back into the storage: new ones at once, those that replace another when it is certain.

    The beginning of a file of ours is none of the others: only a restore that was killed leaves one, and nothing is
    lost with it.
    """

    def __init__(self, folder: Path, media: dict[str, str]) -> None:
        self.folder, self.media = folder, media
        self.made: list[str] = []
        there = {name: _compared(name, media_file(folder, name)) for name in media}
        self.wanted = sorted(name for name, found in there.items() if found in {Found.NOTHING, Found.BEGINNING})
        self.others = {name for name, found in there.items() if found is Found.ANOTHER}

    @property
    def place(self) -> str:
        """Where they go, as people call it."""
        return f"the bucket {settings.S3_BUCKET}" if settings.S3_BUCKET else str(settings.MEDIA_ROOT)

    def put(self, say: Say) -> None:
        """Store what the storage has not; nothing once it was."""
        while self.wanted:
            name = self.wanted[-1]
            self.made.append(name)
            self._store(name)
            self.wanted.pop()
            if len(self.made) % 1_000 == 0:
                say(f"{len(self.made):,} of {len(self.media):,} files restored")

    def replace(self) -> None:
        """Store what takes the place of another file."""
        for name in self.others:
            self._store(name)

    @contextmanager
    def taken_back_on_error(self) -> Iterator[None]:
        """Remove what was stored when the block fails."""
        try:
            yield
        except BaseException:
            for name in self.made:
                default_storage.delete(name)
            raise

    def _store(self, name: str) -> None:
        default_storage.delete(name)
        with media_file(self.folder, name).open("rb") as file:
            _settle(default_storage.save(name, File(file)))


def _settle(name: str) -> None:
    """Have the file on the disk, before a row speaks of it; a bucket sees to that by itself."""
    with suppress(NotImplementedError):
        path = Path(default_storage.path(name))
        for place in (path, path.parent):
            descriptor = os.open(place, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class Found(Enum):
    """What lies in the storage under the name of one of ours."""

    NOTHING, BEGINNING, ALL, ANOTHER = range(4)


def _compared(name: str, path: Path) -> Found:
    """What lies in the storage under `name`, compared with our file at `path`."""
    try:
        with default_storage.open(name) as there, path.open("rb") as ours:
            while block := there.read(BLOCK):
                if block != ours.read(len(block)):
                    return Found.ANOTHER
            return Found.BEGINNING if ours.read(1) else Found.ALL
    except FileNotFoundError:
        return Found.NOTHING
