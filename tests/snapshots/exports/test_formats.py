"""What a spreadsheet is given."""

from __future__ import annotations

import datetime as dt

import pytest

from snapshots.exports.formats import FORMATS

AT = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)


def written(*row: object) -> bytes:
    return FORMATS["csv"].body([], [row], 0)


@pytest.mark.parametrize("handle", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_csv_cell_never_runs_as_a_formula(handle: str) -> None:
    assert written(handle) == f"'{handle}\r\n".encode()


def test_numbers_days_and_plain_texts_stay_as_they_are() -> None:
    assert written(-5, None, "cdc=gov", AT.date()) == b"-5,,cdc=gov,2026-11-22\r\n"


def test_instants_and_yes_or_no_are_written_as_in_json() -> None:
    assert written(AT, True, False) == b"2026-11-22T09:30:00+00:00,true,false\r\n"
