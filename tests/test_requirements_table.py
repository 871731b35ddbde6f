from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.requirements_table import TABLE, Line, read, weigh

LINES = {
    "A1": Line("A1", "one"),
    "A2": Line("A2", "two"),
    "A3": Line("A3", "both", ("A1", "A2")),
    "B1": Line("B1", "all of it", ("A3",)),
}


def test_table_holds_every_line_once_with_a_meaning() -> None:
    lines = read(TABLE.read_text())
    assert list(lines) == [f"A{n}" for n in range(1, 122)] + [f"B{n}" for n in range(1, 118)]
    assert all(len(line.meaning) > 10 for line in lines.values())


def test_derived_lines_are_those_of_the_plan_and_name_existing_parts() -> None:
    lines = read(TABLE.read_text())
    derived = {line.id for line in lines.values() if line.parts}
    spans = [("A", 75, 82), ("A", 108, 121), ("B", 73, 92), ("B", 98, 112)]
    assert derived == {f"{letter}{n}" for letter, first, last in spans for n in range(first, last + 1)}
    assert all(part in lines for line in lines.values() for part in line.parts)


def test_range_and_list_of_parts_are_both_read() -> None:
    line = read("| A82 | measurements | = A68–A70, B9 |\n")["A82"]
    assert line.parts == ("A68", "A69", "A70", "B9")


def test_line_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="A1 stands twice"):
        read("| A1 | one | |\n| A1 | again | |\n")


def test_derived_line_holds_only_when_all_its_parts_do() -> None:
    assert [line.id for line in weigh(LINES, {"A1": {"t"}}).missing] == ["A2", "A3", "B1"]
    assert weigh(LINES, {"A1": {"t"}, "A2": {"t"}}).shown == set(LINES)


@pytest.mark.parametrize(("mark", "words"), [("A3", "is derived"), ("A9", "does not exist")])
def test_mark_on_a_derived_or_unknown_line_is_a_fault(mark: str, words: str) -> None:
    faults = weigh(LINES, {mark: {"tests/test_x.py::test_y"}}).faults
    assert len(faults) == 1
    assert words in faults[0]
    assert "test_y" in faults[0]


def test_marks_of_tests_that_run_apart_count() -> None:
    listing = subprocess.run(
        [sys.executable, "-m", "tests.requirements_table"], capture_output=True, text=True, timeout=100, check=False
    )
    assert listing.returncode == 0, listing.stderr
    assert not re.search(r"^missing +(A46|A89) ", listing.stdout, re.MULTILINE)  # in a browser; with processes killed
