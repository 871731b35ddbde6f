"""Which version of the truth is being written and which one is committed, shared between processes as a file."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

BASE = 10_000_000
"""Followers at version 0: so many that a day's versions are no leap."""
_NUMBER = struct.Struct("@q")


class Versions:
    """Two numbers that one process writes and many read, each in one aligned store."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(2 * _NUMBER.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 2 * _NUMBER.size)

    @property
    def begun(self) -> int:
        """The newest version of which the writing has begun."""
        number: int = _NUMBER.unpack_from(self._map, 0)[0]
        return number

    @begun.setter
    def begun(self, version: int) -> None:
        _NUMBER.pack_into(self._map, 0, version)

    @property
    def done(self) -> int:
        """The newest version that is known to be committed."""
        number: int = _NUMBER.unpack_from(self._map, _NUMBER.size)[0]
        return number

    @done.setter
    def done(self, version: int) -> None:
        _NUMBER.pack_into(self._map, _NUMBER.size, version)
