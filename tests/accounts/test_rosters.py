"""Rosters as people have them: JSON, CSV, pasted addresses; what cannot be read says where."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import rosters
from accounts.rosters import RosterUnreadable, Row, read_roster


def test_a_json_list_gives_its_entries_and_exactly_hhs_is_core():
    text = json.dumps(
        [{"organization": org, "platform": "X", "url": "x.com/a"} for org in ("HHS", "hhs", "HHS Region 1")]
    )
    assert [(row.number, row.organization, row.core, row.core_if_new) for row in read_roster(text)] == [
        (1, "HHS", None, True),
        (2, "hhs", None, False),
        (3, "HHS Region 1", None, False),
    ]


@pytest.mark.parametrize(("said", "core"), [(False, False), ("no", False), (1, True), ("TRUE", True)])
def test_a_core_column_wins_over_the_name(said, core):
    (row,) = read_roster(json.dumps([{"organization": "HHS", "platform": "X", "handle": "a", "core": said}]))
    assert (row.core, row.core_if_new) == (core, core)


@pytest.mark.parametrize(
    "text",
    [
        "Platform,Handle,Organization\nX,CDCgov,CDC\n",
        "organization;platform;url\r\nCDC;X;CDCgov\r\n".replace("url", "handle"),
        '\ufeff"Platform"\t"Handle"\t"Org_Name"\nX\t" CDCgov "\tCDC',
        "\n\nplatform,HANDLE,organisation,notes\nX,CDCgov,CDC,kept elsewhere\n\n",
    ],
)
def test_csv_is_read_whatever_its_delimiter_heading_case_or_line_end(text):
    (row,) = read_roster(text.encode())
    assert (row.platform, row.handle, row.organization, row.core) == ("X", "CDCgov", "CDC", None)


def test_csv_rows_carry_the_line_they_start_on_and_keep_formulas_and_markup_as_data():
    text = 'Platform,Handle,Organization\nX,a,"two\nlines"\nX,b,"=HYPERLINK(""x"")"\n,,\nX,c,<b>bold</b>\n'
    rows = read_roster(text)
    assert [(row.number, row.organization) for row in rows] == [
        (2, "two\ufffdlines"),
        (4, '=HYPERLINK("x")'),
        (6, "<b>bold</b>"),
    ]
    assert "control character" in rows[0].fault


def test_pasted_addresses_are_one_a_line():
    assert read_roster("https://x.com/a\n\n  fb.com/b \n") == [
        Row(1, url="https://x.com/a"),
        Row(3, url="fb.com/b"),
    ]


def test_an_open_file_is_read():
    assert len(read_roster(io.BytesIO(b"Platform,Handle\nX,a\nX,b\n"), "csv")) == 2


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"", "holds no rows"),
        (b"Platform,Handle\n", "holds no rows"),
        (b"[]", "holds no rows"),
        ('Platform,Handle\nX,"a\nX,b\n', "not CSV: unexpected end of data at line 3"),
        (b"Platform,Handle\nX,caf\xe9\n", r"not UTF-8: byte 0xe9 on line 2"),
        ("Platform,Handle\nX,a\n".encode("utf-16"), r"not UTF-8: byte 0xff on line 1"),
        ('[{"platform": "X",\n "url": }]', "line 2, column 9"),
        ('{"platform": "X"}', "is a list"),
        ("[" * 100_000, "nested or numbered too far"),
        ("Platform,Handle,handle\nX,a,b\n", "names handle twice"),
    ],
)
def test_an_unreadable_roster_says_why_and_where(source, reason):
    with pytest.raises(RosterUnreadable, match=reason):
        read_roster(source)


def test_a_csv_demanded_but_without_headings_says_which_ones_are_expected():
    with pytest.raises(RosterUnreadable, match="Expected Platform,Handle,Organization"):
        read_roster("X,a\n", "csv")


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("text", "no object"),
        ({"platform": "X", "url": ["x.com/a"]}, "The url is not text"),
        ({"platform": True, "url": "x.com/a"}, "The platform is not text"),
        ({"platform": "X", "url": "x.com/a", "core": "perhaps"}, "neither yes nor no"),
        ({"platform": "X", "url": "x.com/a", "organization": "a" * 201}, "longer than 200"),
        ({"platform": "X", "url": "x.com/a", "organization": "a\ud800"}, "control character"),
    ],
)
def test_a_faulty_entry_is_named_and_the_others_are_read(entry, fault):
    bad, good = read_roster(json.dumps([entry, {"platform": "X", "url": "x.com/b"}]))
    assert fault in bad.fault
    assert not good.fault


def test_a_csv_line_with_more_cells_than_headings_is_faulty():
    (row,) = read_roster("Platform,Handle\nX,a,b\n")
    assert row.fault == "This line has 3 cells, the first line names 2. Quote cells that hold commas."


@pytest.mark.parametrize("source", [b"Platform,Handle\nX,abc\n", "Platform,Handle\nX,abc\n", io.BytesIO(b"a" * 40)])
def test_a_roster_beyond_its_size_is_refused(monkeypatch, source):
    monkeypatch.setattr(rosters, "MAX_BYTES", 20)
    with pytest.raises(RosterUnreadable, match="larger than"):
        read_roster(source)


def test_a_roster_beyond_its_rows_is_refused(monkeypatch):
    monkeypatch.setattr(rosters, "MAX_ROWS", 2)
    with pytest.raises(RosterUnreadable, match="more than 2 rows"):
        read_roster("x.com/a\nx.com/b\nx.com/c\n")


@given(
    st.text(max_size=80), st.sampled_from(["", "csv", "json", "urls"]), st.sampled_from(["", "Platform,Handle\n", "["])
)
def test_no_text_makes_the_reader_fail_in_another_way_than_its_own(text, fmt, start):
    try:
        rows = read_roster(start + text, fmt)
    except RosterUnreadable:
        return
    assert all(row.number >= 1 for row in rows)


def test_a_line_longer_than_a_csv_cell_may_be_is_an_address_like_any_other():
    (row,) = read_roster("a" * 140_000)
    assert len(row.url) == 140_000


def test_lines_may_end_as_on_old_macs():
    (row,) = read_roster("Platform,Handle,Organization\rX,CDCgov,CDC\r")
    assert (row.platform, row.handle, row.organization) == ("X", "CDCgov", "CDC")


@pytest.mark.parametrize(
    ("entry", "tags"),
    [
        ({"tags": ["Kids", "flu", "FLU"]}, ("FLU", "Kids")),
        ({"tags": "kids; flu"}, ("flu", "kids")),
        ({"tags": []}, ()),
        ({"tags": ""}, None),
        ({}, None),
    ],
)
def test_a_row_states_all_tags_of_its_account_or_nothing_of_them(entry, tags):
    (row,) = read_roster(json.dumps([{"url": "https://x.com/a", **entry}]))
    assert (row.fault, row.tags) == ("", tags)


@pytest.mark.parametrize("tags", [["a;b"], [1], {"a": 1}, "x" * 51, [["a"]]])
def test_tags_that_cannot_be_make_a_row_faulty(tags):
    (row,) = read_roster(json.dumps([{"url": "https://x.com/a", "tags": tags}]))
    assert row.fault


def test_a_csv_cell_that_was_kept_from_running_is_read_as_it_was():
    text = "Platform,Handle,Organization,Tags\nX,a,'=cmd(),\"'-b; c\"\nX,'@d,'90s,\n"
    assert [(row.handle, row.organization, row.tags) for row in read_roster(text)] == [
        ("a", "=cmd()", ("-b", "c")),
        ("@d", "'90s", None),
    ]
