"""What a backup holds, with a hash of each part: written last, checked first."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

MANIFEST, MEDIA, TABLES = "manifest.json", "media.sha256", "tables"
PRODUCT, FORMAT = "tidemark", 1
BLOCK = 1 << 20  # bytes read at once

Say = Callable[[str], None]


class BadBackup(Exception):
    """This is no backup, or no longer the one that was made; the message is for people."""


class Hashed:
    """Writes on to `file`, counting and hashing what goes by."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.size, self._hash = file, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        """Write all of `data`."""
        self._hash.update(data)
        self.size += len(data)
        return self.file.write(data)

    def flush(self) -> None:
        """Hand on what waits in memory."""
        self.file.flush()

    @property
    def sha256(self) -> str:
        """Of everything written so far, in hexadecimal."""
        return self._hash.hexdigest()


@dataclass(frozen=True, slots=True)
class Table:
    """One table's rows: a file of TABLES, its columns in order, and the number of the next row (None: not numbered)."""

    columns: list[str]
    rows: int
    next: int | None
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `media` is the hash of MEDIA; `missing` are files that were lost before it."""

    made_at: str
    database: str
    zone: str
    migrations: list[list[str]]
    tables: dict[str, Table]
    media: str
    missing: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables.values())

    @property
    def digest(self) -> str:
        """Of all that it says: two backups never share one."""
        return _digest(asdict(self))

    def write(self, folder: Path) -> None:
        """Write it, as the last file of `folder`."""
        said = {"product": PRODUCT, "format": FORMAT} | asdict(self)
        text = json.dumps(said | {"sha256": _digest(said)}, indent=1, sort_keys=True)
        with (folder / MANIFEST).open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def of(cls, folder: Path) -> Self:
        """What the backup in `folder` says of itself. Raises BadBackup."""
        try:
            said = json.loads((folder / MANIFEST).read_bytes())
        except (FileNotFoundError, NotADirectoryError) as error:
            raise BadBackup(f"{folder} holds no backup: there is no {MANIFEST} in it.") from error
        except ValueError as error:
            raise BadBackup(f"{MANIFEST} cannot be read: it was cut or altered.") from error
        if not isinstance(said, dict) or said.get("product") != PRODUCT:
            raise BadBackup(f"{folder} is not a backup of Tidemark.")
        if said.get("format") != FORMAT:
            raise BadBackup(f"This backup has the form {said.get('format')!r}; this version reads {FORMAT}.")
        if said.pop("sha256", "") != _digest(said):
            raise BadBackup(f"{MANIFEST} is not as it was written: it was altered.")
        del said["product"], said["format"]
        tables = {name: Table(**table) for name, table in said.pop("tables").items()}
        return cls(tables=tables, **said)

    def verify(self, folder: Path, say: Say) -> dict[str, str]:
        """Read every file of the backup in `folder` and compare; the media it holds, by name, with their hashes.

        Raises BadBackup at the first that is missing or differs.
        """
        for name, table in self.tables.items():
            _compare(table_file(folder, name), table.sha256)
        _compare(folder / MEDIA, self.media)
        media = dict(_listed(folder / MEDIA))
        for number, (name, sha256) in enumerate(media.items(), start=1):
            _compare(media_file(folder, name), sha256)
            if number % 1_000 == 0:
                say(f"{number:,} of {len(media):,} files are as they were")
        return media


def table_file(folder: Path, name: str) -> Path:
    """Where the rows of table `name` lie."""
    return _inside(folder / TABLES, f"{name}.copy.gz")


def media_file(folder: Path, name: str) -> Path:
    """Where the file lies that rows call `name`."""
    return _inside(folder / "media", name)


def list_media(folder: Path, media: dict[str, str]) -> str:
    """Write the list of files and hashes, as `sha256sum --check` reads it; the hash of the list."""
    with (folder / MEDIA).open("wb") as file:
        hashed = Hashed(file)
        for name, sha256 in sorted(media.items()):
            hashed.write(f"{sha256}  media/{name}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    return hashed.sha256


def _listed(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            sha256, _, name = line.removesuffix("\n").partition("  media/")
            yield name, sha256


def _inside(folder: Path, name: str) -> Path:
    """The file `name` of `folder`. Raises BadBackup for a name that would lead out of it."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or not name.isprintable() or "\\" in name:
        raise BadBackup(f"{name!r} is not the name of a file.")
    return folder.joinpath(*parts)


def _compare(path: Path, sha256: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise BadBackup(f"{path} cannot be read ({error.strerror}). The backup is not whole.") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadBackup(f"{path} is not a file. The backup was altered.")
        found = hashlib.sha256()
        while block := file.read(BLOCK):
            found.update(block)
    if found.hexdigest() != sha256:
        raise BadBackup(f"{path} is not as it was written: it was cut or altered.")


def _digest(said: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
