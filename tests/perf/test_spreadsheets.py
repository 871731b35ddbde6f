"""Cells for spreadsheets: never run, and read back as they were."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from perf.spreadsheets import lines, plain_cell, safe_cell, to_the_end

RUN = ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "\nx", "\uff1d1", "\ufe661", "\ufe6ba"]
BEHIND = ["'", "''", " ", "\u00a0", "\ufeff", "\u2003", "\u2060", "\u00ad", "\x0b", "\x00", "\u3000'\u200b"]


@pytest.mark.parametrize("text", [*RUN, *(f"{before}=1" for before in BEHIND)])
def test_a_text_that_would_run_gets_an_apostrophe_and_is_read_back(text):
    assert safe_cell(text) == f"'{text}"
    assert plain_cell(f"'{text}") == text


@pytest.mark.parametrize("value", ["", "CDC", "'90s", "it's =1", "…=1", "é-1", -5, None])
def test_other_values_stay_as_they_are(value):
    assert safe_cell(value) == value
    assert value is None or not isinstance(value, str) or plain_cell(value) == value


def test_rows_become_csv_in_utf_8():
    assert lines([["é", None, '=x "y"'], [1, True, "a,b"]]) == 'é,,"\'=x ""y"""\r\n1,True,"a,b"\r\n'.encode()


def test_text_that_some_spreadsheets_would_split_is_quoted() -> None:
    """LibreOffice ends cells at semicolons and tabs too, unless they are quoted."""
    assert lines([["a; =1", None, 2], ["b\t=1"], ["c"]]) == b'"a; =1","",2\r\n"b\t=1"\r\nc\r\n'


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
