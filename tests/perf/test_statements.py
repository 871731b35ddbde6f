"""SQL without its values: equal shapes, plannable templates, and nothing of anybody in either."""

# ruff: noqa: S608  # queries with values in their text are what this is about
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.statements import statement

NAME = '"crew"."id"'


def quoted(word: str) -> list[str]:
    """`word` as SQL can hold it in its own text."""
    doubled = word.replace("'", "''")
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return [f"'{doubled}'", f"E'{escaped}'", f"$tag${word}$tag$", '"' + word.replace('"', '""') + '"']


@given(st.from_regex(r"[a-z '\"%\\]{0,8}zq[0-9]{3}[a-z '\"%\\]{0,8}", fullmatch=True), st.integers(0, 3))
@settings(max_examples=60)
def test_no_text_written_into_a_query_is_kept(word: str, way: int) -> None:
    value = quoted(word)[way]
    found = statement(f"SELECT {NAME} FROM crew WHERE name = {value} AND nick IN ({value}, 'b') LIMIT 21")
    assert "zq" not in found.shape + found.template
    assert found.shape == f"SELECT {NAME} FROM crew WHERE name = ? AND nick IN (…) LIMIT ?"
    assert found.can_be_planned


@pytest.mark.parametrize("number", ["7", "-7", "3.25", "1e9", "0xFF", ".5"])
def test_no_number_written_into_a_query_is_kept(number: str) -> None:
    found = statement(f"SELECT {NAME} FROM crew WHERE badge={number}")
    assert number.lstrip("-") not in found.shape + found.template


def test_comments_are_not_kept() -> None:
    assert statement("SELECT 1 /* user=ana */ -- trace 77\n").shape == "SELECT ?"


@pytest.mark.parametrize(
    "value", ["$a1$John Smith$a1$", "$ß$John Smith$ß$", "/* by /* one */ John Smith */ 7", "/* by /* John Smith"]
)
def test_neither_any_quote_of_dollars_nor_a_comment_in_a_comment_is_kept(value: str) -> None:
    found = statement(f"SELECT {NAME} FROM crew WHERE name = {value}")
    assert "John" not in found.shape + found.template
    assert "Smith" not in found.shape + found.template


def test_a_torn_query_keeps_no_piece_of_its_text() -> None:
    assert statement("SELECT name FROM crew WHERE name = 'Ana Sil").shape == "SELECT name FROM crew WHERE name = ?"


def test_of_a_giant_query_the_beginning_alone_is_read() -> None:
    """Reading 84 kB took a request 67 ms."""
    found = statement(f"SELECT {NAME} FROM crew WHERE id IN ({', '.join(['%s'] * 20_000)}) AND late = %s")
    assert (found.shape, found.template) == (f"SELECT {NAME} FROM crew WHERE id IN (…) …", "")


def test_equal_queries_have_one_digest_whatever_their_values() -> None:
    one = statement(f"SELECT {NAME}  FROM crew WHERE id IN (%s, %s) AND name = 'Ana' LIMIT 21")
    other = statement(f"SELECT {NAME} FROM crew WHERE id IN (%s, %s, %s) AND name = 'Ben' LIMIT 50;")
    assert (one.shape, one.digest) == (other.shape, other.digest)
    assert one.digest != statement(f"SELECT {NAME} FROM crew WHERE id IN (%s) OR name = %s").digest


def test_queries_that_differ_late_are_told_apart() -> None:
    columns = ", ".join(f'"crew"."column_{number}"' for number in range(60))
    digests = {statement(f"SELECT {columns} FROM crew WHERE {name} = %s").digest for name in ("age", "rank")}
    assert len(digests) == 2


def test_what_shapes_a_plan_stays_in_the_template() -> None:
    found = statement(
        "SELECT x::numeric(10, 2), DATE '2020-01-01', LENGTH(a) FROM t "
        "WHERE b %% %s = 5 GROUP BY 1, 2 ORDER BY 2 LIMIT 21"
    )
    assert found.template == (
        "SELECT x::numeric(10, 2), CAST(%s AS DATE), LENGTH(a) FROM t "
        "WHERE b %% %s = %s GROUP BY 1, 2 ORDER BY 2 LIMIT 21"
    )


def test_savepoints_of_all_requests_look_equal() -> None:
    assert statement('SAVEPOINT "s140_x1"').digest == statement('SAVEPOINT "s962_x4"').digest


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM crew",
        "SELECT 1; DELETE FROM crew",
        "WITH gone AS (DELETE FROM crew RETURNING id) SELECT * FROM gone",
        "SELECT * INTO copy FROM crew",
        "UPDATE crew SET name = %s",
        "EXPLAIN ANALYZE DELETE FROM crew",
        "",
        "SELECT " + ", ".join("name" for _ in range(5_000)) + " FROM crew",
    ],
    ids=lambda sql: sql[:20],
)
def test_only_one_whole_reading_statement_can_be_planned(sql: str) -> None:
    assert not statement(sql).can_be_planned
