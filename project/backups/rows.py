"""Tables as text that either database reads: the lines of PostgreSQL's COPY, one per row.

PostgreSQL writes and reads them by itself, whatever its version; on SQLite the same is made of the values and back.
"""

from __future__ import annotations

import json
import re
from base64 import b16decode
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import IO, Any
from uuid import UUID

from django.apps.registry import Apps
from django.db import connection, models
from django.utils.dateparse import parse_duration
from django.utils.duration import duration_iso_string

LEFT_OUT = frozenset({"django_session", "project_signin"})
"""Sessions, and what is known of each: one that was ended since would be open again."""
BLOCK = 1 << 16  # bytes handed to PostgreSQL at once
BATCH = 200  # rows of one statement on SQLite
WRITTEN_SO = {
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}
"""Settings of PostgreSQL that decide how values look; a database of one's own may have others."""
_MARKED = {"\\": r"\\", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
_ESCAPES = str.maketrans(_MARKED)
_MEANT = {mark[1]: character for character, mark in _MARKED.items()}

Model = type[models.Model]


def stored_models(registry: Apps | Any) -> list[Model]:
    """Every model of `registry` with a table of its own, by the table's name; those that are left out too."""
    found = registry.get_models(include_auto_created=True)
    return sorted(
        (each for each in found if each._meta.managed and not each._meta.proxy), key=lambda each: each._meta.db_table
    )


def columns_of(model: Model) -> dict[str, Any]:
    """The columns that hold something of their own, with their fields."""
    return {str(field.column): field for field in model._meta.local_concrete_fields if not field.generated}


def write(model: Model, file: IO[bytes]) -> int:
    """Write every row of `model` that the transaction sees; how many there were."""
    if connection.vendor == "sqlite":
        return _write(model, file)
    columns = ", ".join(map(connection.ops.quote_name, columns_of(model)))
    rows = f"SELECT {columns} FROM {connection.ops.quote_name(model._meta.db_table)}"  # noqa: S608  # our names
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.copy_expert(f"COPY ({rows}) TO STDOUT", file)
        return int(cursor.rowcount)


def read(model: Model, columns: Sequence[str], file: IO[bytes]) -> int:
    """Insert the rows in `file`, whose lines hold `columns`; how many there were."""
    table, names = connection.ops.quote_name(model._meta.db_table), ", ".join(map(connection.ops.quote_name, columns))
    with connection.cursor() as cursor, connection.wrap_database_errors:
        if connection.vendor == "postgresql":
            cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN", file, BLOCK)
            return int(cursor.rowcount)
        places, count = ", ".join(["%s"] * len(columns)), 0
        fields = columns_of(model)
        lines = _values([fields[column] for column in columns], file)
        while batch := list(islice(lines, BATCH)):
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", batch)  # noqa: S608  # our names
            count += len(batch)
        return count


def written_so() -> None:
    """Have values look the same whatever the server's settings, for the length of the transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for name, value in (WRITTEN_SO | {"statement_timeout": "0"}).items():
                cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def empty(found: Iterable[Model]) -> None:
    """Delete every row of the tables of `found`, in this transaction."""
    tables = [connection.ops.quote_name(model._meta.db_table) for model in found]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(tables)}")
            return
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608  # our names


def next_number(model: Model) -> int | None:
    """The number that the next row of `model` gets; None where rows are not numbered."""
    field = model._meta.pk
    if not isinstance(field, models.AutoField | models.BigAutoField):
        return None
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq + 1 FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        else:
            sequence = _sequence(cursor, model)
            cursor.execute(f"SELECT last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM {sequence}")  # noqa: S608
        row = cursor.fetchone()
    return int(row[0]) if row else 1


def count_on(model: Model, number: int) -> None:
    """Give the next row of `model` the number `number`, or a later one where rows with it are there."""
    last = model._base_manager.aggregate(last=models.Max("pk"))["last"] or 0
    number = max(number, last + 1)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT setval(%s, %s, false)", [_sequence(cursor, model), number])
            return
        cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        values = [model._meta.db_table, number - 1]
        cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", values)


def _sequence(cursor: Any, model: Model) -> str:
    table, key = connection.ops.quote_name(model._meta.db_table), model._meta.pk.column
    cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [table, key])
    return str(cursor.fetchone()[0])


# --- SQLite: values as PostgreSQL writes them, and back ---------------------------------------------


def _write(model: Model, file: IO[bytes]) -> int:
    fields, count = columns_of(model), 0
    writers = [_writer(field) for field in fields.values()]
    names = [field.attname for field in fields.values()]
    for row in model._base_manager.order_by().values_list(*names).iterator():
        texts = (
            write(value) if value is not None else empty for (write, empty), value in zip(writers, row, strict=True)
        )
        file.write("\t".join(texts).encode() + b"\n")
        count += 1
    return count


def _writer(field: Any) -> tuple[Callable[[Any], str], str]:
    """How a value of `field` is written, and None: a JSON that may not be NULL holds JSON's own null."""
    if isinstance(field, models.JSONField):
        return lambda value: json.dumps(value).translate(_ESCAPES), r"\N" if field.null else "null"
    return _text, r"\N"


def _text(value: Any) -> str:
    match value:
        case bool():
            return "t" if value else "f"
        case bytes() | memoryview():
            return rf"\\x{bytes(value).hex()}"
        case datetime():
            return value.isoformat(" ")
        case int() | float() | Decimal() | date() | time() | UUID():
            return str(value)
        case timedelta():
            return duration_iso_string(value)
        case str():
            return value.translate(_ESCAPES)
    raise TypeError(f"A value of {type(value)} has no text.")


def _values(fields: Sequence[Any], file: IO[bytes]) -> Iterator[list[Any]]:
    """The rows in `file`, as SQLite takes them."""
    readers = [_reader(field) for field in fields]
    for line in file:
        texts = line.decode().removesuffix("\n").split("\t")
        yield [None if text == r"\N" else read(text) for read, text in zip(readers, texts, strict=True)]


def _reader(field: Any) -> Callable[[str], Any]:
    while field.is_relation:
        field = field.target_field
    for kind, plain in _PLAIN.items():
        if isinstance(field, kind):
            return plain
    for kind, read in _READERS.items():
        if isinstance(field, kind):
            return lambda text: field.get_db_prep_save(read(text), connection=connection)
    return _meant  # days too: SQLite keeps their text


def _meant(text: str) -> str:
    return re.sub(r"\\(.)", lambda mark: _MEANT[mark[1]], text) if "\\" in text else text


_PLAIN: dict[type[models.Field[Any, Any]], Callable[[str], Any]] = {
    models.IntegerField: int,
    models.FloatField: float,
    models.JSONField: lambda text: json.dumps(json.loads(_meant(text))),  # as Django keeps it there
}
_READERS: dict[type[models.Field[Any, Any]], Callable[[str], Any]] = {
    models.BooleanField: lambda text: {"t": True, "f": False}[text],
    models.DecimalField: Decimal,
    models.DateTimeField: datetime.fromisoformat,
    models.TimeField: time.fromisoformat,
    models.DurationField: parse_duration,
    models.UUIDField: UUID,
    models.BinaryField: lambda text: b16decode(text.removeprefix(r"\\x"), casefold=True),
}
