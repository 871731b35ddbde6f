"""Lists which requirement lines no test shows: `python -m tests.requirements_table`.

Reads docs/requirements.md and the `req` marks that pytest collects. Ends with 1 when a mark names a line that does not
exist or is derived, and with 0 otherwise, also while lines are still missing.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TABLE = Path(__file__).resolve().parent.parent / "docs" / "requirements.md"
ROW = re.compile(r"^\| ([AB]\d+) \| (.+?) \| (?:= (.+?) )?\|$", re.MULTILINE)


@dataclass(frozen=True)
class Line:
    """One requirement; `parts` are the ids it is derived from, none for lines that tests show."""

    id: str
    meaning: str
    parts: tuple[str, ...] = ()


@dataclass
class Report:
    """What the marks say of the lines."""

    shown: set[str] = field(default_factory=set)
    missing: list[Line] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def read(text: str) -> dict[str, Line]:
    """The lines of docs/requirements.md by id. ValueError for an id that stands there twice."""
    lines: dict[str, Line] = {}
    for line_id, meaning, rule in ROW.findall(text):
        if line_id in lines:
            raise ValueError(f"{line_id} stands twice in the table")
        lines[line_id] = Line(line_id, meaning, tuple(expanded(rule)))
    return lines


def expanded(rule: str) -> Iterator[str]:
    """ "A1–A3, B7" → A1, A2, A3, B7."""
    for part in filter(None, re.split(r",\s*", rule)):
        first, _, last = part.partition("–")
        for number in range(int(first[1:]), int((last or first)[1:]) + 1):
            yield f"{first[0]}{number}"


def weigh(lines: Mapping[str, Line], marks: Mapping[str, Iterable[str]]) -> Report:
    """Which lines hold, given id → the tests that carry it."""
    report = Report()
    for line_id, tests in sorted(marks.items(), key=lambda mark: order(mark[0])):
        line = lines.get(line_id)
        if line is None or line.parts:
            why = "is derived and takes no mark" if line else "does not exist"
            report.faults += [f"{line_id} {why}: {test}" for test in tests]
    for line in sorted(lines.values(), key=lambda line: order(line.id)):
        if holds(line, lines, marks):
            report.shown.add(line.id)
        else:
            report.missing.append(line)
    return report


def holds(line: Line, lines: Mapping[str, Line], marks: Mapping[str, Iterable[str]]) -> bool:
    """Whether a test shows `line`, or all its parts hold. KeyError for a part that does not exist."""
    if line.parts:
        return all(holds(lines[part], lines, marks) for part in line.parts)
    return line.id in marks


def order(line_id: str) -> tuple[str, int]:
    return line_id[0], int(line_id[1:])


def marks_of(items: Iterable[pytest.Item]) -> dict[str, set[str]]:
    """Id → the tests that carry it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for item in items:
        for mark in item.iter_markers("req"):
            for line_id in mark.args:
                found[line_id].add(item.nodeid.partition("[")[0])
    return dict(found)


class Collection:
    """A pytest plug-in that keeps what is collected."""

    items: Sequence[pytest.Item] = ()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep everything."""
        self.items = session.items


def collected() -> dict[str, set[str]]:
    """Id → tests that carry it, over the whole suite. RuntimeError when the suite cannot be collected."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)  # pytest would read the settings before the tests' services run
    seen, words = Collection(), io.StringIO()
    with contextlib.redirect_stdout(words):
        code = pytest.main(
            ["--collect-only", "-q", "-m", "", "-p", "no:cacheprovider", str(TABLE.parent.parent / "tests")], [seen]
        )
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        raise RuntimeError(f"the tests cannot be collected:\n{words.getvalue()}")
    return marks_of(seen.items)


def main() -> int:
    """Print the report and return the exit code."""
    lines = read(TABLE.read_text())
    marks = collected()
    report = weigh(lines, marks)
    say = sys.stdout.write
    for line in report.missing:
        rule = f"  (= {', '.join(part for part in line.parts if part not in report.shown)})" if line.parts else ""
        say(f"missing  {line.id:<5} {line.meaning}{rule}\n")
    for fault in report.faults:
        say(f"FAULT    {fault}\n")
    say(f"{len(report.shown)} of {len(lines)} lines hold, {len(report.missing)} are missing")
    say(f", {len(report.faults)} marks are faulty.\n" if report.faults else ".\n")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
