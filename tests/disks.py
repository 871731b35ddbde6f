"""Small disks for tests that fill them, or may not write to them. Mounting needs root on Linux."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BLOCK = 4096


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[Path]:
    """`folder` with a disk of `size` bytes in memory; skips, with a warning, where mounting is not permitted."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        warnings.warn(f"NOT TESTED: no disk can be mounted here ({done.stderr.strip()})", stacklevel=2)
        pytest.skip("mounting needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, leave: int = 0) -> Path:
    """A file that takes all the room on the disk of `folder` but `leave` bytes (in whole blocks)."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(BLOCK))
        except OSError:
            file.truncate(max(0, file.tell() - -(-leave // BLOCK) * BLOCK))
    return filler


def make_read_only(folder: Path) -> None:
    """Remount the disk of `folder`, as a kernel does after an error of it."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
