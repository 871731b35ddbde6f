"""Indexes that nobody reads, that repeat another, or that a slow query misses: by the database's own statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache

from django.db import connection
from django.db.models import Model

from perf import clock
from perf.findings.shapes import read, tables
from perf.findings.sources import is_own, line_of

BYTES_MIN = 1024 * 1024  # smaller ones cost nothing worth a look
READS_MIN = 1_000  # of its table: one that is hardly read says nothing about its indexes
ROWS_MIN = 10_000  # below, reading a table as a whole is quick
SCANS_MIN = 50

_UNUSED = """
SELECT t.relname, s.indexrelname, pg_relation_size(s.indexrelid), t.seq_scan + coalesce(t.idx_scan, 0)
FROM pg_stat_user_indexes s JOIN pg_index i USING (indexrelid) JOIN pg_stat_user_tables t ON t.relid = s.relid
WHERE s.idx_scan = 0 AND NOT (i.indisunique OR i.indisprimary OR i.indisexclusion) AND t.relname = ANY(%s)
  AND s.schemaname = ANY(current_schemas(false)) AND pg_relation_size(s.indexrelid) >= %s
  AND t.seq_scan + coalesce(t.idx_scan, 0) >= %s
ORDER BY 3 DESC"""
_DOUBLED = """
SELECT t.relname, c.relname, o.relname, pg_relation_size(c.oid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_index j ON j.indrelid = i.indrelid AND j.indexrelid <> i.indexrelid JOIN pg_class o ON o.oid = j.indexrelid
WHERE t.relname = ANY(%s) AND t.relnamespace = ANY(current_schemas(false)::regnamespace[])
  AND pg_relation_size(c.oid) >= %s
  AND NOT i.indisunique AND i.indpred IS NULL AND j.indpred IS NULL AND i.indexprs IS NULL AND c.relam = o.relam
  AND (j.indkey::text || ' ') LIKE (i.indkey::text || ' %%') AND i.indoption[0] = j.indoption[0]
  AND (i.indkey::text <> j.indkey::text OR j.indisunique OR i.indexrelid > j.indexrelid)
  AND (string_to_array(j.indclass::text, ' '))[1:i.indnkeyatts] = string_to_array(i.indclass::text, ' ')
ORDER BY 4 DESC"""
_SCANNED = """
SELECT relname, seq_scan, n_live_tup FROM pg_stat_user_tables
WHERE relname = ANY(%s) AND schemaname = ANY(current_schemas(false)) AND n_live_tup >= %s AND seq_scan >= %s
  AND seq_tup_read >= seq_scan * n_live_tup / 2 AND seq_scan > coalesce(idx_scan, 0) / 10
ORDER BY seq_tup_read DESC"""
_LED_ON_SQLITE = """
SELECT i.name FROM pragma_index_list(%s) l JOIN pragma_index_info(l.name) i ON i.seqno = 0 WHERE i.name IS NOT NULL
UNION SELECT name FROM pragma_table_info(%s) WHERE pk = 1"""
_ROWS = """
SELECT c.reltuples, pg_stat_get_live_tuples(c.oid), pg_relation_size(c.oid) FROM pg_class c
WHERE c.relname = %s AND c.relnamespace = ANY(current_schemas(false)::regnamespace[])"""
_SINCE = "SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()"


@dataclass(frozen=True, slots=True)
class IndexFinding:
    """One index to drop or to make: `index` is empty for one that is missing; `bytes` of the one there is."""

    kind: str  # unused, doubled, missing
    table: str
    index: str
    columns: tuple[str, ...]
    bytes: int | None
    sentence: str
    place: str


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What was found; `since` when the statistics began, if known; `silent` why there are none."""

    found: list[IndexFinding] = field(default_factory=list)
    since: datetime | None = None
    silent: str = ""

    def of(self, kind: str) -> list[IndexFinding]:
        """Those of one kind."""
        return [one for one in self.found if one.kind == kind]


def report(slow: Iterable[str]) -> IndexReport:
    """Indexes to look at, where `slow` are the shapes of slow queries."""
    wanted = list(dict.fromkeys(_wanted(slow)))
    if connection.vendor != "postgresql":
        why = f"{connection.display_name} keeps no statistics of use, so only what slow queries miss is told."
        return IndexReport([_missing(table, columns) for table, columns in wanted], None, why)
    names = sorted(_own())
    with connection.cursor() as cursor:
        cursor.execute(_SINCE)
        (since,) = cursor.fetchone()
        cursor.execute(_UNUSED, [names, BYTES_MIN, READS_MIN])
        found = [_unused(since, *row) for row in cursor.fetchall()]
        cursor.execute(_DOUBLED, [names, BYTES_MIN])
        found += [_doubled(*row) for row in cursor.fetchall()]
        cursor.execute(_SCANNED, [names, ROWS_MIN, SCANS_MIN])
        scanned = {table: (scans, rows) for table, scans, rows in cursor.fetchall()}
    found += [_missing(table, columns, *scanned.get(table, ())) for table, columns in wanted]
    told = {table for table, _ in wanted}
    found += [_missing(table, (), *figures) for table, figures in scanned.items() if table not in told]
    return IndexReport(found, since)


def suggestion(sql: str) -> str:
    """The index that the slow query of shape `sql` misses, as an imperative; empty where one serves, or none can."""
    for table, columns in _wanted([sql]):
        model = tables()[table]
        return f"{_to_add(model, columns)}{_at(line_of(model, 'indexes = ['))}"
    return ""


def _to_add(model: type[Model], columns: tuple[str, ...]) -> str:
    names = {one.column: one.name for one in model._meta.concrete_fields}
    fields = ", ".join(f'"{names[column]}"' for column in columns)
    return f"add Index(fields=[{fields}]) to {model.__name__}"


def _wanted(slow: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(table, columns) of each slow SELECT that compares columns of which no index begins with any.

    A table known to be small is left out: reading it as a whole is quick, so something else was slow.
    """
    minute = clock.now().replace(second=0, microsecond=0)
    for sql in slow:
        shape = read(sql)
        by_table: dict[str, list[str]] = {}
        for table, column in shape.compared:
            if shape.verb in {"SELECT", "WITH"} and (model := _own().get(table)) and column in _columns(model):
                by_table.setdefault(table, []).append(column)
        for table, columns in by_table.items():
            rows = _rows(table, minute)
            if (rows is None or rows >= ROWS_MIN) and not set(columns) & _led(table, minute):
                yield table, tuple(dict.fromkeys(columns))


@cache
def _own() -> dict[str, type[Model]]:
    """The project's own models by table: what a package brings is not the project's to mend."""
    return {table: model for table, model in tables().items() if is_own(model)}


def _columns(model: type[Model]) -> set[str]:
    return {one.column for one in model._meta.concrete_fields if one.column}


@lru_cache(maxsize=256)
def _led(table: str, _minute: datetime) -> set[str]:
    """The first column of every index of `table`, unique ones and the primary key too; asked once a minute."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":  # Django's introspection asks a query per index there
            cursor.execute(_LED_ON_SQLITE, [table, table])
            return {column for (column,) in cursor.fetchall()}
        constraints = connection.introspection.get_constraints(cursor, table)
    kept = (one for one in constraints.values() if one["index"] or one["unique"] or one["primary_key"])
    return {one["columns"][0] for one in kept if one["columns"]}


@lru_cache(maxsize=256)
def _rows(table: str, _minute: datetime) -> float | None:
    """About how many rows `table` has by PostgreSQL's statistics, None where nothing tells; asked once a minute."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [table])
        found = cursor.fetchone()
    if found is None:
        return None
    analysed, live, size = found
    if analysed < 0 and not live and size:  # never analysed, and its counters began anew
        return None
    return max(float(analysed), float(live))


def _unused(since: datetime | None, table: str, index: str, size: int, reads: int) -> IndexFinding:
    place = line_of(tables()[table], index)
    past = f"since {since:%d %b %Y}" if since else "since the statistics began"
    sentence = (
        f"{index} ({_megabytes(size)}) was not read once {past}, while its table was read {reads:,} times"
        f"{_at(place)}: drop it, unless a replica reads it."
    )
    return IndexFinding("unused", table, index, (), size, sentence, place)


def _doubled(table: str, index: str, other: str, size: int) -> IndexFinding:
    place = line_of(tables()[table], index)
    sentence = (
        f"{index} ({_megabytes(size)}) is the beginning of {other}{_at(place)}: drop it, the other serves its queries."
    )
    return IndexFinding("doubled", table, index, (), size, sentence, place)


def _missing(table: str, columns: tuple[str, ...], scans: int = 0, rows: int = 0) -> IndexFinding:
    model = tables()[table]
    place = line_of(model, "indexes = [")
    whole = f"was read as a whole {scans:,} times ({rows:,} rows)" if scans else ""
    if columns:
        lacking = f"a slow query compares {', '.join(columns)} without an index"
        why, mend = " and ".join(part for part in (whole, lacking) if part), _to_add(model, columns)
    else:
        why, mend = whole, "find its query among the slow ones, and index what that compares"
    return IndexFinding("missing", table, "", columns, None, f"{table}: {why}{_at(place)}: {mend}.", place)


def _at(place: str) -> str:
    return f" ({place})" if place else ""


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:,.1f} MB"
