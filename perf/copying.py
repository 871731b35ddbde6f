"""Rows into PostgreSQL by COPY: many times the speed of INSERT, and no model object for each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import repeat
from typing import Any

from django.db import connection, models

MOST_ROWS = 10_000
"""Rows written as text at a time, so that memory does not grow with their number."""


def fill(model: type[models.Model], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Append `rows` of `columns` to the table of `model` in the fastest way this database has.

    Past the model: values must be as the database takes them, defaults and what hangs on the rows are the caller's.
    """
    if not rows:
        return
    fields = {column: model._meta.get_field(column) for column in columns}
    if connection.vendor == "postgresql":
        copy(model._meta.db_table, {name: str(field.db_type(connection)) for name, field in fields.items()}, rows)
        return
    table, names = connection.ops.quote_name(model._meta.db_table), ", ".join(map(connection.ops.quote_name, columns))
    places = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)  # noqa: S608  # names of our own


def copy(table: str, columns: Mapping[str, str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Append `rows` of `columns` (names and types) to `table` by COPY; PostgreSQL only."""
    kinds = list(columns.values())
    with connection.cursor() as cursor, connection.wrap_database_errors:
        for start in range(0, len(rows), MOST_ROWS):
            texts = [
                _texts(kind, values)
                for kind, values in zip(kinds, zip(*rows[start : start + MOST_ROWS], strict=True), strict=True)
            ]
            lines = StringIO("\n".join(map("\t".join, zip(*texts, strict=True))))
            cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", lines)


def _texts(kind: str, values: tuple[Any, ...]) -> Iterator[str] | list[str]:
    """A column as COPY reads it; most columns of a batch hold one value throughout."""
    text = _ENCODERS.get(kind.partition("(")[0], str)
    if values.count(values[0]) == len(values):
        return repeat("\\N" if values[0] is None else text(values[0]), len(values))
    return ["\\N" if value is None else text(value) for value in values]


def _escaped(value: object) -> str:
    return str(value).translate(_ESCAPES)


_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_ENCODERS: dict[str, Callable[[Any], str]] = {
    "varchar": _escaped,
    "text": _escaped,
    "jsonb": lambda value: _escaped(json.dumps(value)),
}
