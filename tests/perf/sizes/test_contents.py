"""What lies in the database: measured, and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from perf.queries import metered
from perf.sizes import sqlite
from perf.sizes.contents import Contents, measure, size
from perf.sizes.tables import Table

REFUSAL = "REVOKE EXECUTE ON FUNCTION pg_database_size(name) FROM PUBLIC"
on_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="how PostgreSQL does it")
on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="how SQLite does it")


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def cargo(transactional_db: None) -> Any:
    """A table that is known exactly: 500 rows of 1,000 bytes, with an index beside its key."""
    filled = (
        "INSERT INTO cargo SELECT n, repeat('x', 1000) FROM generate_series(1, 500) AS n"
        if connection.vendor == "postgresql"
        else "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 500)"
        " INSERT INTO cargo SELECT n, printf('%1000s', 'x') FROM numbers"
    )
    run(
        "CREATE TABLE cargo (id integer PRIMARY KEY, words text)",
        filled,
        "CREATE INDEX ix_cargo ON cargo (words)",
        "ANALYZE cargo",
    )
    yield
    run("DROP TABLE cargo")


@pytest.mark.both_dbs
@pytest.mark.req("B60")
def test_database_tables_and_indexes_have_their_bytes_and_rows(cargo: None) -> None:
    found = measure()
    table = next(table for table in found.tables if table.name == "cargo")
    index = next(index for index in found.indexes if index.name == "ix_cargo")
    assert found.why == []
    assert found.bytes is not None
    assert table.bytes is not None
    assert table.index_bytes is not None
    assert index.bytes is not None
    assert table.rows == 500
    assert table.rows_are_exact == (connection.vendor == "sqlite")
    assert index.table == "cargo"
    assert 0 < index.bytes <= table.index_bytes < table.bytes < found.bytes
    assert table.bytes - table.index_bytes > (500_000 if connection.vendor == "sqlite" else 8_192)
    assert {table.app for table in found.tables} > {"perf", "auth"}
    assert found.tables == sorted(found.tables, key=lambda one: (-(one.bytes or 0), one.name))


@on_sqlite
@pytest.mark.both_dbs
@pytest.mark.req("B60")
def test_size_of_sqlite_is_its_file_and_log(db: None, tmp_path: Path) -> None:
    file = tmp_path / "own.sqlite3"  # nobody else writes its log back into it
    own = connection.copy()
    own.settings_dict["NAME"] = str(file)
    try:
        with own.cursor() as cursor:
            cursor.execute("CREATE TABLE cargo AS SELECT printf('%100000s', 'x')")
        log = file.with_name(f"{file.name}-wal").stat().st_size
        assert log > 100_000
        assert sqlite.measured(own).bytes == file.stat().st_size + log
    finally:
        own.close()


@on_sqlite
@pytest.mark.both_dbs
def test_large_sqlite_file_is_not_read_through(cargo: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "LOOK_THROUGH", 1)
    found = measure()
    assert found.bytes is not None
    assert (found.tables, found.indexes) == ([], [])
    assert "PostgreSQL keeps account" in found.why[0]


@on_postgresql
@pytest.mark.req("B60")
def test_refused_database_size_is_not_known_and_the_rest_still_is(db: None) -> None:
    run("CREATE ROLE stranger", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO stranger", REFUSAL)
    run("SET ROLE stranger")
    found = measure()
    run("RESET ROLE")  # the rest is rolled back
    assert found.bytes is None
    assert "The size of the whole database" in found.why[0]
    assert "permission denied" in found.why[0]
    assert len(found.tables) > 20


@on_postgresql
def test_partitions_count_as_their_table(db: None) -> None:
    run(
        "CREATE TABLE log (at date, words text) PARTITION BY RANGE (at)",
        "CREATE TABLE log_a PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
        "CREATE TABLE log_b PARTITION OF log FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
        "INSERT INTO log SELECT '2026-01-05'::date + n % 50, repeat('x', 100) FROM generate_series(1, 1000) n",
        "ANALYZE log_a",
        "ANALYZE log_b",
    )
    found = {table.name: table for table in measure().tables}
    assert "log_a" not in found
    assert (found["log"].bytes or 0) > 100_000
    assert found["log"].rows == 1_000


@on_postgresql
def test_table_that_is_being_altered_is_not_waited_for(transactional_db: None) -> None:
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE perf_pageview IN ACCESS EXCLUSIVE MODE")
            found = measure()
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert found.bytes is not None
    assert any("lock timeout" in reason for reason in found.why)


def test_other_database_is_not_guessed_at(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perf.sizes.contents.MEASURES", {})
    found = measure()
    assert (found.bytes, found.tables) == (None, [])
    assert "not known here" in found.why[0]


@pytest.mark.parametrize(("dead", "told"), [(45_000, True), (35_000, False), (None, False)])
def test_rows_that_vacuum_leaves_behind_are_told(dead: int | None, told: bool, db: None) -> None:
    table = Table("cargo", 10, 5, 100_000, dead_rows=dead)
    advice = Contents("postgresql", measure().measured_at, tables=[table]).advice()
    assert [f"`VACUUM {table.name}`" in one.text for one in advice] == ([True] if told else [])


@pytest.mark.both_dbs
def test_size_alone_reads_nothing_through(db: None) -> None:
    with metered() as meter:
        found = size()
    assert (found.bytes is not None, found.tables) == (True, [])
    assert meter.count <= 5  # with its savepoint and limits on PostgreSQL
