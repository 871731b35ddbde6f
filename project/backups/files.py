"""The files that rows name: which they are, and copying them out of the storage and back into it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

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
    """Files on their way back into the storage: new ones at once, those that replace another when it is certain."""

    def __init__(self, folder: Path, media: dict[str, str]) -> None:
        self.folder, self.media = folder, media
        self.made: list[str] = []
        self.others = {name for name, sha256 in media.items() if _sha256(name) not in (None, sha256)}

    def put(self, say: Say) -> None:
        """Store what the storage has not."""
        for name in self.media.keys() - self.others:
            if not default_storage.exists(name):
                self.made.append(self._store(name))
                if len(self.made) % 1_000 == 0:
                    say(f"{len(self.made):,} of {len(self.media):,} files restored")

    def replace(self) -> None:
        """Store what takes the place of another file."""
        for name in self.others:
            default_storage.delete(name)
            self._store(name)

    def take_back(self) -> None:
        """Remove what was stored: the restore failed."""
        for name in self.made:
            default_storage.delete(name)

    def _store(self, name: str) -> str:
        with media_file(self.folder, name).open("rb") as file:
            return default_storage.save(name, File(file))


def _sha256(name: str) -> str | None:
    """The hash of a file of the storage; None where there is none."""
    found = hashlib.sha256()
    try:
        with default_storage.open(name) as file:
            while block := file.read(BLOCK):
                found.update(block)
    except FileNotFoundError:
        return None
    return found.hexdigest()
