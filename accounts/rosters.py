"""Reading a roster as people have it (JSON, CSV or pasted addresses) into rows, each with what was wrong with it."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from accounts.tags import NotATag, clean_tags, split_tags
from perf.spreadsheets import plain_cell

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 100_000
FORMATS = ("json", "csv", "urls")
COLUMNS = {
    "platform": ("platform", "network"),
    "handle": ("handle", "username", "account"),
    "url": ("url", "address", "link", "account url"),
    "organization": ("organization", "organisation", "org", "org name"),
    "core": ("core", "is core", "core account", "is core account"),
    "tags": ("tags", "tag", "labels"),
}
_FIELD = {alias: name for name, aliases in COLUMNS.items() for alias in aliases}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": None}
EXPECTED = "Platform,Handle,Organization or organization,platform,url"


class RosterUnreadable(ValueError):
    """The whole roster cannot be read; its text says why and where."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as given. `number`: line (CSV, pasted text) or entry (JSON), from 1. `fault`: why it cannot be used; the
    texts are then what can be shown of them.

    `core` is what the row itself says; `core_if_new` holds for an account that is not in the registry yet. `tags` are
    all that the account is to carry; None says nothing of them.
    """

    number: int
    platform: str = ""
    handle: str = ""
    url: str = ""
    organization: str = ""
    core: bool | None = None
    core_if_new: bool = False
    tags: tuple[str, ...] | None = None
    fault: str = ""


def read_roster(source: str | bytes | IO[bytes], fmt: str = "") -> list[Row]:
    """The rows of a roster of at most MAX_BYTES and MAX_ROWS; `fmt` is one of FORMATS, or "" to tell by its look.

    Raises RosterUnreadable when it is too large, not UTF-8 (a byte-order mark is fine) or malformed as a whole.
    """
    text = _text(source)
    fmt = fmt or _look(text)
    rows = []
    for row in {"json": _from_json, "csv": _from_csv, "urls": _from_lines}[fmt](text):
        rows.append(row)
        if len(rows) > MAX_ROWS:
            raise RosterUnreadable(f"The roster has more than {MAX_ROWS:,} rows. Split it.")
    if not rows:
        raise RosterUnreadable(f"The roster holds no rows. Expected {EXPECTED}, a JSON list, or one address a line.")
    return rows


def _text(source: str | bytes | IO[bytes]) -> str:
    data = source if isinstance(source, str | bytes) else source.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES or (isinstance(data, str) and len(data.encode(errors="replace")) > MAX_BYTES):
        raise RosterUnreadable(f"The roster is larger than {MAX_BYTES // 1024**2} MB. Split it.")
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RosterUnreadable(
            f"The roster is not UTF-8: byte 0x{data[error.start]:02x} on line {line}. "
            "Save it as UTF-8 (in a spreadsheet: “CSV UTF-8”)."
        ) from error


def _look(text: str) -> str:
    start = text.lstrip()
    if start[:1] in {"[", "{"}:
        return "json"
    return "csv" if _header(next(iter(start.splitlines()), ""))[1] else "urls"


def _from_json(text: str) -> Iterator[Row]:
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise RosterUnreadable(
            f"The roster is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except (RecursionError, ValueError) as error:
        raise RosterUnreadable(
            "The roster is not JSON of a roster's shape: it is nested or numbered too far."
        ) from error
    if not isinstance(entries, list):
        raise RosterUnreadable("A JSON roster is a list of {organization, platform, url}.")
    for number, entry in enumerate(entries, 1):
        yield (
            _row(number, entry.items(), core_by_name=True)
            if isinstance(entry, dict)
            else Row(number, url=json.dumps(entry)[:60], fault="This entry is no object with named values.")
        )


def _header(line: str) -> tuple[str, list[str]]:
    """The delimiter and the columns of a header line; no columns when it is none."""
    delimiter = max(",;\t", key=line.count)
    try:
        cells = next(csv.reader([line.strip()], delimiter=delimiter), [])
    except csv.Error:  # an overlong cell, or a stray carriage return
        return delimiter, []
    names = [_FIELD.get(_folded(cell), "") for cell in cells]
    return delimiter, names if "url" in names or {"platform", "handle"} <= set(names) else []


def _from_csv(text: str) -> Iterator[Row]:
    lines = text.splitlines(keepends=True)
    skipped = next((i for i, line in enumerate(lines) if line.strip()), 0)
    delimiter, columns = _header(lines[skipped] if lines else "")
    if not columns:
        raise RosterUnreadable(f"The first line does not name the columns. Expected {EXPECTED}.")
    if twice := {name for name in columns if name and columns.count(name) > 1}:
        raise RosterUnreadable(f"The first line names {', '.join(sorted(twice))} twice.")
    reader = csv.reader(io.StringIO("".join(lines[skipped + 1 :]), newline=""), delimiter=delimiter, strict=True)
    number = skipped + 2
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise RosterUnreadable(
                f"The roster is not CSV: {error} at line {skipped + 1 + reader.line_num}."
            ) from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield _csv_row(number, columns, cells)
        number = skipped + 2 + reader.line_num


def _csv_row(number: int, columns: list[str], cells: list[str]) -> Row:
    if any(cell.strip() for cell in cells[len(columns) :]):
        fault = f"This line has {len(cells)} cells, the first line names {len(columns)}. Quote cells that hold commas."
        return _faulty(number, fault, dict(zip(columns, cells, strict=False)))
    return _row(number, zip(columns, map(plain_cell, cells), strict=False))


def _from_lines(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield _row(number, [("url", line)])


def _row(number: int, items: Any, *, core_by_name: bool = False) -> Row:
    """A row of named values; `core_by_name`: without its own word, exactly the organisation "HHS" is core."""
    values: dict[str, str] = {}
    tags: tuple[str, ...] | None = None
    faults: list[str] = []
    for key, value in items:
        name = _FIELD.get(_folded(str(key)))
        if name is None or value is None:
            continue
        if name == "tags":
            try:
                tags = _tags(value)
            except NotATag as refusal:
                faults.append(str(refusal))
        elif not isinstance(value, str | bool | int) or (isinstance(value, bool) and name != "core"):
            faults.append(f"The {name} is not text.")
        else:
            values[name] = str(value).strip()
    if fault := (faults and faults[0]) or _fault(values):
        return _faulty(number, fault, values)
    core = _TRUTH[values.pop("core", "").lower()]
    core_if_new = bool(core) or (core is None and core_by_name and values.get("organization") == "HHS")
    return Row(number, core=core, core_if_new=core_if_new, tags=tags, **values)


def _faulty(number: int, fault: str, values: dict[str, str]) -> Row:
    """A row that cannot be used, with what can be shown of its texts."""
    platform, handle, url, organization = (
        "".join(c if c.isprintable() else "\ufffd" for c in values.get(name, "")[:500])
        for name in ("platform", "handle", "url", "organization")
    )
    return Row(number, platform, handle, url, organization, fault=fault)


def _tags(value: Any) -> tuple[str, ...] | None:
    """The tags of a list, or of a cell with semicolons between them; an empty cell says nothing, an empty list none."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return tuple(clean_tags(value))
    if not isinstance(value, str):
        raise NotATag("The tags are neither text nor a list of texts.")
    return tuple(split_tags(value)) or None


def _fault(values: dict[str, str]) -> str:
    for name, value in values.items():
        if any(unicodedata.category(c) in {"Cc", "Cs"} for c in value):
            return f"The {name} holds a control character."
    if len(values.get("organization", "")) > 200:
        return "The organisation's name is longer than 200 characters."
    if values.get("core", "").lower() not in _TRUTH:
        return f"“{values['core'][:20]}” is neither yes nor no (core)."
    return ""


def _folded(heading: str) -> str:
    return " ".join(heading.replace("_", " ").casefold().split())
