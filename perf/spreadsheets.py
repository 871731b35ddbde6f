"""CSV that a spreadsheet shows as it is written: no cell runs as a formula, and reading gives back what was written."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from unicodedata import category

FORMULA = (
    *("=", "+", "-", "@", "\t", "\r", "\n"),
    *("\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufe66", "\ufe62", "\ufe63", "\ufe6b"),
)
"""What a cell that a spreadsheet runs begins with; some run the full-width and the small signs too."""
UNSEEN = ("Z", "C")
"""Categories of blanks, controls and what nobody sees, any of which may stand before it, as may apostrophes."""
SPLITTING = (";", "\t")
"""Where some spreadsheets end a cell beside the comma, unless it is quoted: what follows could be a formula."""

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
    plain, quoted = csv.writer(text), csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    for row in rows:
        cells = [safe_cell(cell) for cell in row]
        (quoted if any(map(_splits, cells)) else plain).writerow(cells)
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
    for char in text:
        if char in FORMULA:
            return True
        if char.isalnum() or (char != "'" and not category(char).startswith(UNSEEN)):
            return False
    return False


def _splits(cell: object) -> bool:
    return isinstance(cell, str) and any(sign in cell for sign in SPLITTING)
