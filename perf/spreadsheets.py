"""CSV that a spreadsheet shows as it is written: no cell runs as a formula, and reading gives back what was written."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO

FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
"""What a cell that a spreadsheet runs begins with; some run the full-width signs too."""
BEFORE = "' \u00a0\u2007\u202f\u3000\u200b\ufeff"
"""What may stand before it: apostrophes and blanks, also those that nobody sees."""

BROKEN_OFF = "INCOMPLETE: this file broke off here. Export it again."


def safe_cell(value: object) -> object:
    """`value` for a spreadsheet: a text that it would run as a formula gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and _runs(value) else value


def plain_cell(text: str) -> str:
    """What `safe_cell` was given to make `text`."""
    return text[1:] if text.startswith("'") and _runs(text[1:]) else text


def lines(rows: Iterable[Iterable[object]]) -> bytes:
    """`rows` as CSV in UTF-8, every cell safe; None is an empty cell."""
    text = StringIO()
    csv.writer(text).writerows([safe_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def to_the_end(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A CSV file's `pieces`, whole lines each; where they fail, a last line says so before the error goes on.

    The server ends an answer that failed like one that is whole, and nobody could tell the one from the other.
    """
    try:
        yield from pieces
    except Exception:
        yield lines([[BROKEN_OFF]])
        raise


def _runs(text: str) -> bool:
    """Whether `text` begins like a formula, also behind blanks, which some readers drop, and apostrophes of its own."""
    return text.lstrip(BEFORE).startswith(FORMULA)
