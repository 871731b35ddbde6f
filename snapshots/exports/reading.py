"""Reads the rows of an export a thousand at a time: flat in memory, each row once whatever is written meanwhile."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from django.db.models import QuerySet

from perf.keyset import AFTER, Cursor, Key, Order
from snapshots.models import Snapshot

ROWS_AT_ONCE = 1_000
Row = tuple[Any, ...]


class Chunk(NamedTuple):
    """Some rows, and where to read on; the key is empty where a later reading must begin anew."""

    rows: list[Row]
    key: Key = ()


def chunks(rows: QuerySet[Any, Any], order: list[str], columns: Mapping[str, str], after: Key = ()) -> Iterator[Chunk]:
    """`rows` in `order`, each as the values of `columns` (name → path), beginning after the key of an earlier chunk.

    No query outlives a chunk, so there is no cursor to hold open: a reader who goes away leaves nothing running, and
    a pooler that hands each transaction another connection (pgbouncer) is no obstacle.
    """
    paths = list(columns.values())
    if rows.model is Snapshot and order[0].removeprefix("-") == "date":
        return _by_key(rows, order, paths, after)
    return _by_id(rows, order, paths)


def place(rows: QuerySet[Any, Any], order: list[str], key: Key) -> str:
    """The key of a chunk as text that `find_place` takes; empty for the empty key."""
    return Order(rows, order).encode(Cursor(AFTER, key)) if key else ""


def find_place(rows: QuerySet[Any, Any], order: list[str], text: str) -> Key:
    """The key that `place` wrote down for the same order; empty where there is none, and reading begins anew."""
    cursor = Order(rows, order).decode(text)
    return cursor.key if cursor else ()


def _by_key(rows: QuerySet[Any, Any], names: list[str], paths: list[str], key: Key) -> Iterator[Chunk]:
    """By seeking. A snapshot's day and account never change: no row moves past the reader."""
    order = Order(rows, names)
    read = list(dict.fromkeys([*paths, *order.names]))
    key_of = itemgetter(*[read.index(name) for name in order.names])
    wanted = rows.values_list(*read)
    while found := order.take(wanted, ROWS_AT_ONCE, key=key):
        key = key_of(found[-1])
        yield Chunk([row[: len(paths)] for row in found], key)
        if len(found) < ROWS_AT_ONCE:
            break


def _by_id(rows: QuerySet[Any, Any], names: list[str], paths: list[str]) -> Iterator[Chunk]:
    """By the ids, read first: a figure that is sorted by may change, and its row would come twice or never.

    There is one row per account at most, eight bytes each.
    """
    ordered = rows.order_by(*Order(rows, names).ordering()).values_list("pk", flat=True)
    ids = array("q", ordered.iterator(chunk_size=10 * ROWS_AT_ONCE))
    for start in range(0, len(ids), ROWS_AT_ONCE):
        some = ids[start : start + ROWS_AT_ONCE]
        found = {pk: row for *row, pk in rows.filter(pk__in=some).values_list(*paths, "pk")}
        yield Chunk([tuple(found[pk]) for pk in some if pk in found])
