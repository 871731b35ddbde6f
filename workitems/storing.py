"""What every storage of photos may fail with; apart from any library, for pages say it in words."""

from __future__ import annotations

import errno


class StorageAway(OSError):
    """The store of photos does not answer, or refuses us; what it holds is still there."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(errno.EIO, why, name)
