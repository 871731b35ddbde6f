"""Reading past figures: every line that cannot be used says why, and nothing is made up."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO

import pytest

from perf import clock
from snapshots import past
from snapshots.past import FileUnreadable, Line, PastFigures, is_redundant

DAY = date(2025, 3, 1)


def lines(text: str | bytes) -> list[Line]:
    return list(PastFigures(BytesIO(text if isinstance(text, bytes) else text.encode())))


def one(cells: str, header: str = "platform,handle,date,followers") -> Line:
    (line,) = lines(f"{header}\n{cells}\n")
    return line


def test_a_line_says_who_when_and_how_many() -> None:
    assert one("x,cdcgov,2025-03-01,1200") == Line(2, "x", "cdcgov", DAY, {"followers": 1200})


def test_headings_of_other_exports_are_understood() -> None:
    header = "\ufeffPlatform;Handle;Organization;Date;Followers;Engagement Total;Posts;Likes;posts_per_day;mood"
    figures = PastFigures(BytesIO(f"{header}\nX;CDCgov;CDC;2025-03-01;5;9;7;8;0.1;fine\n".encode()))
    assert [line.figures for line in figures] == [{"followers": 5, "engagements": 9, "posts": 7, "likes": 8}]
    assert [name for name in figures.ignored if not is_redundant(name)] == ["mood"]
    assert one("x,a,2025-03-01,3", "platform,handle,snapshot_date,followers_count").figures == {"followers": 3}


@pytest.mark.parametrize("cell", ["1234567", "1,234,567", "1 234 567", "1\u00a0234\u202f567", "1'234'567"])
def test_whole_numbers_may_have_separators(cell: str) -> None:
    assert one(f'x,a,2025-03-01,"{cell}"').figures == {"followers": 1_234_567}


def test_an_empty_cell_is_unknown_and_zero_is_zero() -> None:
    header = "platform,handle,date,followers,posts,likes"
    assert one("x,a,2025-03-01,10,,0", header).figures == {"followers": 10, "likes": 0}


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ("x,a,2025-03-01,1.2M", "“1.2M” followers is no whole number. Write 1234567 or 1,234,567."),
        ("x,a,2025-03-01,1.234", "no whole number"),
        ('x,a,2025-03-01,"12,34"', "no whole number"),
        ("x,a,2025-03-01,١٢٣", "no whole number"),
        ("x,a,2025-03-01,1e9", "no whole number"),
        ("x,a,2025-03-01,nan", "no whole number"),
        ("x,a,2025-03-01,-5", "-5 followers is below zero."),
        ("x,a,2025-03-01,9223372036854775808", "more than anybody has"),
        ("x,a,2025-03-01,=1+1", "begins with “=”, which spreadsheets run as a formula"),
        ("x,a,2025-03-01,+5", "formula"),
        ("x,=cmd(),2025-03-01,5", "The handle begins with “=”"),
        ("x,a,2025-03-01,", "There is no figure on this line."),
        ("x,a,,5", "There is no date."),
        (",a,2025-03-01,5", "There is no platform."),
        ("x,a,01.03.2025,5", "“01.03.2025” is no day. Write it as 2026-11-22."),
        ("x,a,20250301,5", "is no day"),
        ("x,a,2025-02-29,5", "There is no day 2025-02-29."),
        ("x,a,2003-12-31,5", "2003-12-31 is before 2004."),
        (f"x,a,{clock.today() + timedelta(days=1)},5", "is still to come."),
        ("x,a,2025-03-01,5,6", "It has 5 cells, the first line names 4."),
        ("x,a\x07,2025-03-01,5", "The handle holds a control character."),
    ],
)
def test_a_line_that_cannot_be_used_says_why(cells: str, fault: str) -> None:
    line = one(cells)
    assert fault in line.fault
    assert line.figures == {}


def test_bad_bytes_are_told_by_their_line() -> None:
    good, bad, after = lines(
        b"platform,handle,date,followers\nx,a,2025-03-01,1\nx,caf\xe9,2025-03-01,1\nx,b,2025-03-01,2\n"
    )
    assert (good.fault, after.fault) == ("", "")
    assert (bad.number, bad.fault) == (3, "The handle is not UTF-8: byte 0xe9. Save the file as “CSV UTF-8”.")


def test_lines_are_numbered_as_in_the_file() -> None:
    found = lines('platform,handle,date,followers\n\nx,"a\nb",2025-03-01,1\nx,c,2025-03-01,1\n')
    assert [line.number for line in found] == [3, 5]


def test_a_handle_that_our_export_quoted_is_itself() -> None:
    assert one("x,'@cdcgov,2025-03-01,5").handle == "@cdcgov"
    assert one("x,@cdcgov,2025-03-01,5").handle == "@cdcgov"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not name platform, handle, date"),
        ("platform,handle,followers\n", "does not name date"),
        ("platform,handle,date\n", "names no figure"),
        ("platform,handle,date,followers,subscribers\n", "names followers twice"),
        ('platform,handle,date,followers\nx,a,2025-03-01,1\nx,"a"b,2025-03-01,1\n', "not CSV: .* at line 3"),
        ("platform,handle,date,followers\n".encode("utf-16"), "does not name"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(text: str | bytes, reason: str) -> None:
    with pytest.raises(FileUnreadable, match=reason):
        lines(text)


def test_a_file_beyond_its_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "MAX_BYTES", 40)
    with pytest.raises(FileUnreadable, match="larger than"):
        lines("platform,handle,date,followers\nx,a,2025-03-01,1\n")
