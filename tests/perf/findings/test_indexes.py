"""Indexes to drop and to make, from what the database itself has counted."""

# ruff: noqa: S608  # shapes of queries are what this is about
from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from django.db import connection

from perf.findings import indexes
from perf.findings.indexes import IndexFinding, report
from perf.statements import statement
from tests import factories
from workitems.models import WorkItem

pytestmark = pytest.mark.django_db


ASKED = 'SELECT "workitems_workitem"."id" FROM "workitems_workitem" WHERE "workitems_workitem"."detail" = %s'


def slow(sql: str) -> list[str]:
    return [statement(sql).shape]


def missed_by(sql: str) -> list[IndexFinding]:
    """What the query misses; not which tables other tests read as a whole."""
    return [one for one in report(slow(sql)).of("missing") if one.columns]


@pytest.mark.both_dbs
def test_a_slow_query_that_no_index_serves_names_the_model_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "ROWS_MIN", 0)
    monkeypatch.setattr(indexes, "SCANS_MIN", sys.maxsize)  # what other tests read as a whole is counted for ever
    (found,) = missed_by(ASKED)
    file, _, line = found.place.partition(":")
    assert (file, int(line) > 1) == ("workitems/models/items.py", True)
    assert found.sentence == (
        f"workitems_workitem: a slow query compares detail without an index ({found.place}): "
        'add Index(fields=["detail"]) to WorkItem.'
    )


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL tells how many rows there are")
def test_no_index_is_asked_for_on_a_table_that_is_known_to_be_small(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        factories.item()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workitems_workitem")
    (shape,) = slow(ASKED)
    assert (report([shape]).of("missing"), indexes.suggestion(shape)) == ([], "")
    monkeypatch.setattr(indexes, "ROWS_MIN", 5)
    assert indexes.suggestion(shape).startswith('add Index(fields=["detail"]) to WorkItem')
    monkeypatch.setattr(indexes, "ROWS_MIN", 1_000_000)
    assert indexes.suggestion(shape) == ""


def test_no_index_is_asked_for_where_like_may_look_within_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "ROWS_MIN", 0)
    assert missed_by('SELECT 1 FROM "workitems_workitem" i WHERE i.detail LIKE %s') == []


@pytest.mark.both_dbs
@pytest.mark.parametrize("column", ["id", "number", "location"])
def test_no_index_is_asked_for_where_one_serves(column: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The primary key, a unique one, and a column beside an indexed one."""
    monkeypatch.setattr(indexes, "ROWS_MIN", 0)
    where = f'"workitems_workitem"."{column}" = %s AND "workitems_workitem"."id" > %s'
    assert missed_by(f'SELECT 1 FROM "workitems_workitem" WHERE {where}') == []


def test_sqlite_says_that_it_keeps_no_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "sqlite")
    assert "keeps no statistics of use" in report([]).silent


@pytest.fixture
def counted(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two indexes that nobody needs on a table that was read, and limits that three rows reach."""
    for name in ("BYTES_MIN", "READS_MIN", "ROWS_MIN", "SCANS_MIN"):
        monkeypatch.setattr(indexes, name, 1)
    for _ in range(3):
        factories.item()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_reset_single_table_counters('workitems_workitem'::regclass)")  # of other tests
        cursor.execute("CREATE INDEX spare ON workitems_workitem (location)")
        cursor.execute("CREATE INDEX doubled ON workitems_workitem (location, detail)")
        cursor.execute("SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off")
        for _ in range(200):
            cursor.execute("SELECT * FROM workitems_workitem WHERE detail = 'x'")
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("ANALYZE workitems_workitem")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET enable_indexscan; RESET enable_bitmapscan; RESET enable_indexonlyscan")
        cursor.execute("DROP INDEX spare; DROP INDEX doubled")


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL counts")
def test_indexes_that_nobody_reads_and_tables_read_as_a_whole_are_told(counted: None) -> None:
    assert WorkItem.objects.count() == 3
    found = report([])
    unused = {one.index: one for one in found.of("unused")}
    assert {"spare", "doubled"} <= unused.keys()
    assert "was not read once since" in unused["spare"].sentence
    assert ("spare", True) in {(one.index, "beginning of doubled" in one.sentence) for one in found.of("doubled")}
    assert any(one.table == "workitems_workitem" and "read as a whole" in one.sentence for one in found.of("missing"))
