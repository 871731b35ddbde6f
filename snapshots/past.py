"""Reading past figures as people have them (CSV), line by line, each that cannot be used with its fault."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import TextIOWrapper
from typing import IO
from unicodedata import category

from perf import clock
from perf.spreadsheets import FORMULA
from snapshots.figures import COUNTS

MAX_BYTES = 50 * 1024 * 1024
FIRST_DAY = dt.date(2004, 1, 1)  # before it there was nothing to count followers of
LARGEST = 2**63 - 1  # what the database holds
SHOWN = 40  # characters of a cell that a fault quotes
KEYS = ("platform", "handle", "date")
ALIASES = {
    "network": "platform",
    "username": "handle",
    "account": "handle",
    "day": "date",
    "snapshot date": "date",
    "subscribers": "followers",
    "engagement total": "engagements",
    "engagements total": "engagements",
    **{f"{name.replace('_', ' ')} count": name for name in COUNTS},
    "subscribers count": "followers",
}
"""Headings that other exports use, the predecessor's among them."""

REDUNDANT = {"organization", "organisation", "account url", "source", "engagement rate", "follower growth rate"}
REDUNDANT |= {"follower growth absolute", "posts per day", "average views per video"}
"""Columns of exports that say what Tidemark knows or works out itself."""

NUMBER = re.compile(r"\d+|\d{1,3}(?:[, \u00a0\u202f'\u2019]\d{3})+", re.ASCII)
BELOW_ZERO = re.compile(r"[-−]\d[\d,. ]*")
EXPECTED = "platform,handle,date,followers"


class FileUnreadable(ValueError):
    """The whole file cannot be read; its text says why and where."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file. `number` counts from 1, the heading included; `fault` says why it cannot be used."""

    number: int
    platform: str = ""
    handle: str = ""
    date: dt.date = FIRST_DAY
    figures: Mapping[str, int] = field(default_factory=dict)
    fault: str = ""


class PastFigures:
    """The lines of a CSV file, read as they are asked for; `ignored` names the columns that are left out."""

    def __init__(self, source: IO[bytes]) -> None:
        """Reads the heading. Raises FileUnreadable when the file is too large, empty or names no columns."""
        if source.seek(0, 2) > MAX_BYTES:
            raise FileUnreadable(f"The file is larger than {MAX_BYTES // 1024**2} MB. Split it.")
        source.seek(0)
        # What is not UTF-8 comes through as lone surrogates, so that each line can say so for itself.
        text = TextIOWrapper(source, encoding="utf-8-sig", errors="surrogateescape", newline="")
        first = text.readline(csv.field_size_limit())
        self._delimiter = max(",;\t", key=first.count)
        headings = next(csv.reader([first], delimiter=self._delimiter), []) if first.strip() else []
        self._columns = [_column(heading) for heading in headings]
        self.ignored = [h.strip() for h, name in zip(headings, self._columns, strict=True) if not name and h.strip()]
        self._check()
        self._text = text

    def _check(self) -> None:
        named = [name for name in self._columns if name]
        if missing := [name for name in KEYS if name not in named]:
            raise FileUnreadable(f"The first line does not name {', '.join(missing)}. Expected {EXPECTED}.")
        if twice := sorted({name for name in named if named.count(name) > 1}):
            raise FileUnreadable(f"The first line names {', '.join(twice)} twice.")
        if not set(named) & set(COUNTS):
            raise FileUnreadable(f"The first line names no figure. Known: {', '.join(COUNTS)}.")

    def __iter__(self) -> Iterator[Line]:
        """Every line but empty ones. Raises FileUnreadable where the text stops being CSV."""
        reader = csv.reader(self._text, delimiter=self._delimiter, strict=True)
        number = 2
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise FileUnreadable(f"The file is not CSV: {error} at line {1 + reader.line_num}.") from error
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield self._line(number, [cell.strip() for cell in cells])
            number = 2 + reader.line_num

    def _line(self, number: int, cells: list[str]) -> Line:
        if any(cells[len(self._columns) :]):
            return Line(number, fault=f"It has {len(cells)} cells, the first line names {len(self._columns)}.")
        values = {name: cell for name, cell in zip(self._columns, cells, strict=False) if name and cell}
        if fault := _fault(values):
            return Line(number, fault=fault)
        figures = {name: _number(values[name]) for name in COUNTS if name in values}
        handle = values["handle"].removeprefix("'")  # which our own export puts before what a spreadsheet would run
        return Line(number, values["platform"], handle, dt.date.fromisoformat(values["date"]), figures)


def _column(heading: str) -> str:
    """The name of the column that `heading` means; "" when it is none of ours."""
    name = " ".join(heading.replace("_", " ").casefold().split())
    known = ALIASES.get(name, name).replace(" ", "_")
    return known if known in {*KEYS, *COUNTS} else ""


def is_redundant(heading: str) -> bool:
    """Whether a column that is left out says only what Tidemark knows or works out itself."""
    return " ".join(heading.replace("_", " ").casefold().split()) in REDUNDANT


def _fault(values: Mapping[str, str]) -> str:
    """Why the line cannot be used; "" when it can."""
    for name, cell in values.items():
        if any("\udc80" <= c <= "\udcff" for c in cell):
            byte = next(ord(c) - 0xDC00 for c in cell if "\udc80" <= c <= "\udcff")
            return f"The {name} is not UTF-8: byte 0x{byte:02x}. Save the file as “CSV UTF-8”."
        if any(category(c) in {"Cc", "Cs"} for c in cell):
            return f"The {name} holds a control character."
    if missing := [name for name in KEYS if name not in values]:
        return f"There is no {missing[0]}."
    return _not_a_day(values["date"]) or _not_numbers(values)


def _not_a_day(cell: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", cell, re.ASCII):
        return f"“{cell[:SHOWN]}” is no day. Write it as 2026-11-22."
    try:
        day = dt.date.fromisoformat(cell)
    except ValueError:
        return f"There is no day {cell}."
    if day > clock.today():
        return f"{cell} is still to come."
    return f"{cell} is before {FIRST_DAY.year}." if day < FIRST_DAY else ""


def _not_numbers(values: Mapping[str, str]) -> str:
    counts = {name: values[name] for name in COUNTS if name in values}
    if not counts:
        return "There is no figure on this line."
    for name, cell in {"handle": values["handle"].lstrip("@"), **counts}.items():
        if cell.startswith(FORMULA) and not BELOW_ZERO.fullmatch(cell):
            return f"The {name} begins with “{cell[0]}”, which spreadsheets run as a formula."
    for name, cell in counts.items():
        if BELOW_ZERO.fullmatch(cell):
            return f"{cell[:SHOWN]} {name} is below zero."
        if not NUMBER.fullmatch(cell):
            return f"“{cell[:SHOWN]}” {name} is no whole number. Write 1234567 or 1,234,567."
        if len(cell) > SHOWN or _number(cell) > LARGEST:
            return f"{cell[:SHOWN]} {name} is more than anybody has."
    return ""


def _number(cell: str) -> int:
    """The number in a cell that NUMBER matches."""
    return int(re.sub(r"\D", "", cell))
