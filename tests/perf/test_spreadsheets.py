"""Cells for spreadsheets: never run, and read back as they were."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from perf.spreadsheets import lines, plain_cell, safe_cell, to_the_end


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "\uff1d1", "'=1", "''-1", " =1", "\u00a0@a", "\ufeff'=1"]
)
def test_a_text_that_would_run_gets_an_apostrophe_and_is_read_back(text):
    assert safe_cell(text) == f"'{text}"
    assert plain_cell(f"'{text}") == text


@pytest.mark.parametrize("value", ["", "CDC", "'90s", "it's =1", -5, None])
def test_other_values_stay_as_they_are(value):
    assert safe_cell(value) == value
    assert value is None or not isinstance(value, str) or plain_cell(value) == value


def test_rows_become_csv_in_utf_8():
    assert lines([["é", None, '=x "y"'], [1, True, "a,b"]]) == 'é,,"\'=x ""y"""\r\n1,True,"a,b"\r\n'.encode()


def test_file_that_broke_off_says_so_in_its_last_line() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a,b\r\n"
        raise ConnectionError

    found, whole = [], to_the_end(pieces())
    found += [next(whole), next(whole)]
    with pytest.raises(ConnectionError):
        next(whole)
    assert found == [b"a,b\r\n", b"INCOMPLETE: this file broke off here. Export it again.\r\n"]
    assert list(to_the_end([b"whole"])) == [b"whole"]
