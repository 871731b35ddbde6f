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
