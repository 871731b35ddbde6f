"""Rows of every model that name somebody, and everything that an installation keeps, as one text to search."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis
from django.conf import settings
from django.db import connection, models

from perf import clock
from project.sweeping import owner_of, searched

_numbers = count(1)


def plant(words: str, name: str, user: Any) -> list[str]:
    """One new row of each model that is searched, with `words` in every text and `name` in every copied name."""
    planted = []
    for model, columns in searched():
        row = row_of(model)
        for column in columns:
            owner = owner_of(model, column)
            text = name if owner else words
            value = {"said": [{"by": text}, text]} if isinstance(column, models.JSONField) else _fitted(text, column)
            setattr(row, column.name, value)
            if owner:
                setattr(row, owner, user)
        models.QuerySet(model).bulk_create([row])
        planted.append(model._meta.label)
    return planted


def _fitted(text: str, column: Any) -> str:
    """As much of the words as the column holds: a short one holds the phone or the login alone."""
    words = text.split(" | ")
    while column.max_length and len(" | ".join(words)) > column.max_length and len(words) > 1:
        words.pop()
    return " | ".join(words)[: column.max_length]


def row_of(model: type[models.Model], *, beside: bool = False) -> Any:
    """An unsaved row whose required columns have some value; rows that it refers to are stored.

    With `beside` it refers to the newest ones that there are, as far as there are any.
    """
    row = model()
    for column in model._meta.concrete_fields:
        if (
            column.primary_key
            and not column.is_relation
            and not isinstance(column, models.CharField | models.UUIDField)
        ):
            continue
        if column.null or (column.has_default() and not column.unique):
            continue
        setattr(row, column.attname, _value(column, beside))
    return row


def _value(column: Any, beside: bool) -> Any:
    if column.is_relation:
        newest = models.QuerySet(column.related_model).order_by("-pk").first() if beside else None
        if newest:
            return newest.pk
        related = row_of(column.related_model, beside=beside)
        models.QuerySet(column.related_model).bulk_create([related])
        return related.pk
    number = next(_numbers)
    if column.choices:
        return column.choices[0][0]
    made: dict[type[models.Field[Any, Any]], Any] = {
        models.UUIDField: uuid4(),
        models.DateTimeField: clock.now(),
        models.DateField: dt.date(2026, 1, 1) + dt.timedelta(days=number),
        models.GenericIPAddressField: "192.0.2.1",
        models.DurationField: dt.timedelta(hours=number),
        models.JSONField: [],
        models.BinaryField: b"v",
        models.BooleanField: True,
        models.CharField: f"v{number}"[: column.max_length],
        models.TextField: f"v{number}",
        models.FileField: f"v{number}",
    }
    return next((value for kind, value in made.items() if isinstance(column, kind)), number)


def everything() -> Iterator[tuple[str, str]]:
    """Each row of each table, each file and each cached answer: where it is, and what it says."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  # its own names
            yield from ((table, str(row)) for row in cursor.fetchall())
    for path in (path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()):
        yield str(path), path.name + path.read_bytes().decode("latin-1")
        if zipfile.is_zipfile(path):
            yield from _in_zip(path)
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter():
        held = client.get(key) if client.type(key) == b"string" else client.hgetall(key)
        yield "cache", f"{key!r} {held!r}"


def _in_zip(path: Path) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(path) as file:
        yield from (
            (f"{path}/{name}", BytesIO(file.read(name)).getvalue().decode("latin-1")) for name in file.namelist()
        )
