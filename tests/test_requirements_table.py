from __future__ import annotations

import re

import pytest

from tests import parts, requirements_table
from tests.requirements_table import TABLE, Line, marks_of, read, weigh

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


def test_marks_of_tests_that_run_apart_count(pytestconfig: pytest.Config) -> None:
    everything = pytestconfig.stash[parts.COLLECTED]
    if not any("browser" in item.path.parts for item in everything):
        pytest.skip("NOT LOOKED AT: a run of the whole suite has all marks, as `make requirements` has")
    report = weigh(read(TABLE.read_text()), marks_of(everything))
    assert report.faults == []
    assert {"A46", "A89"} <= report.shown  # in a browser; with processes killed


def test_missing_lines_and_faulty_marks_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    every = {line.id: {"tests/test_x.py::test_y"} for line in read(TABLE.read_text()).values() if not line.parts}
    monkeypatch.setattr(requirements_table, "collected", lambda: every)
    assert requirements_table.main() == 0
    assert capsys.readouterr().out.endswith(" lines hold, 0 are missing.\n")
    del every["A1"]
    monkeypatch.setattr(requirements_table, "collected", lambda: every | {"A999": {"tests/test_x.py::test_z"}})
    assert requirements_table.main() == 1
    said = capsys.readouterr().out
    assert re.search(r"^missing  A1 ", said, re.MULTILINE)
    assert "FAULT    A999 does not exist: tests/test_x.py::test_z\n" in said


@pytest.mark.parametrize("mark", ["both_dbs", *parts.APART])
def test_every_test_of_a_part_is_in_a_file_that_the_part_reads(mark: str, pytestconfig: pytest.Config) -> None:
    bearers = {item.path for item in pytestconfig.stash[parts.COLLECTED] if item.get_closest_marker(mark)}
    assert bearers <= set(parts.files(mark))
