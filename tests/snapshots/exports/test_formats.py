"""What a spreadsheet is given."""

from __future__ import annotations

import datetime as dt

import pytest

from snapshots.exports.formats import cell


@pytest.mark.parametrize("handle", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"])
def test_csv_cell_never_runs_as_a_formula(handle: str) -> None:
    assert cell(handle) == f"'{handle}"


def test_numbers_days_and_plain_texts_stay_as_they_are() -> None:
    day = dt.date(2026, 11, 22)
    assert [cell(value) for value in (-5, None, "cdc=gov", day)] == [-5, None, "cdc=gov", day]


def test_instants_and_yes_or_no_are_written_as_in_json() -> None:
    at = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
    assert [cell(at), cell(True), cell(False)] == ["2026-11-22T09:30:00+00:00", "true", "false"]
