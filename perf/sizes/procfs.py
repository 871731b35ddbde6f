"""What Linux tells in /proc: plain files of numbers, read without any package."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path("/")
"""Where /proc and /sys are; tests put files of their own in its place."""

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100  # per second, of times in /proc


def text(path: str, root: Path = ROOT) -> str | None:
    """The file's content; None where this system has no such file, or keeps it from us."""
    try:
        return (root / path).read_text()
    except OSError:
        return None


def fields(path: str, root: Path = ROOT) -> dict[str, int]:
    """The first number of each line `Name:  123 kB` by its name, kB as bytes; {} where there is no such file."""
    found = {}
    for line in (text(path, root) or "").splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            found[name] = int(words[0]) * (1024 if words[1:] == ["kB"] else 1)
    return found


def number(path: str, root: Path = ROOT) -> int | None:
    """The one number in a file; None where there is no such file or it says something else, such as "max"."""
    content = (text(path, root) or "").strip()
    return int(content) if content.isdigit() else None
