"""What to do about a size: a sentence, and how much it matters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a sentence matters."""

    ATTENTION = "attention"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Advice:
    """One sentence: what is too large, or set wrongly, and what to do about it."""

    level: Level
    text: str


def attention(text: str) -> Advice:
    """Somebody should look at it in the next days."""
    return Advice(Level.ATTENTION, text)


def wrong(text: str) -> Advice:
    """Something is lost or stops, unless somebody acts now."""
    return Advice(Level.WRONG, text)


def said(size: int) -> str:
    """Bytes in words, in steps of 1,024 as databases say them: 1.5 KB, 12 MB, 1.23 GB."""
    amount, unit = float(abs(size)), "bytes"
    for larger in ("KB", "MB", "GB", "TB"):
        if amount < 999.5:
            break
        amount, unit = amount / 1024, larger
    digits = 0 if unit == "bytes" or amount >= 99.95 else 1 if amount >= 9.995 else 2
    return f"{'−' if size < 0 else ''}{amount:.{digits}f} {unit}"
