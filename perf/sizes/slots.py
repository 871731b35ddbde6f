"""A small number for each process of a kind on this machine, so that series of processes stay few over restarts."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

MOST = 1_000  # more processes of one kind on one machine share the last number

_held: dict[str, tuple[int, int, IO[str]]] = {}
"""By kind: number, the process that took it, and its locked file."""


def slot(kind: str) -> int:
    """The number of this process among those of its `kind`, from 1; the lowest that no living process holds.

    A locked file in the temporary folder says who holds it, and the kernel lets go of it when the process ends.
    A child takes a number of its own. On Windows, which locks otherwise, all share number 1.
    """
    if sys.platform == "win32":
        return 1
    if kind in _held and _held[kind][1] == os.getpid():
        return _held[kind][0]
    if kind in _held:
        _held.pop(kind)[2].close()  # the parent's, inherited: closing here does not unlock it there
    folder = _folder()
    for number in range(1, MOST):
        file = (folder / f"{kind}-{number}").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        _held[kind] = (number, os.getpid(), file)
        return number
    return MOST


def _folder() -> Path:
    """This user's own folder for the locks."""
    folder = Path(tempfile.gettempdir()) / f"perf-processes-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
