"""How a repeated query is mended: the relation that it follows, read from its SQL and the models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import ForeignKey, ManyToManyRel, Model

from perf.findings.shapes import Shape, read, tables

WAYS_MAX = 3  # told where the line does not decide
WRITES = {
    "INSERT": "write all rows at once with bulk_create()",
    "UPDATE": "write all rows at once with bulk_update() or one update()",
    "DELETE": "delete all rows at once with filter(pk__in=…).delete()",
}


@dataclass(frozen=True, slots=True)
class Before:
    """A query that ran before the repeated one: its shape, and its place as "file:line"."""

    shape: str
    place: str


def advice(shape: str, before: Sequence[Before], line: str = "") -> str:
    """What to do about the query of `shape` that ran again and again after the queries `before`, as an imperative.

    A guess from the first relation that its WHERE compares; where none is found, the general remedy. `line` is the
    line of code that ran it: it decides where several foreign keys lead to the same rows.
    """
    asked = read(shape)
    if asked.verb in WRITES:
        return WRITES[asked.verb]
    for table, column in asked.equal:
        for way in (_unread_column, _from_parent, _through, _generic):
            if found := way(asked, table, column, before):
                return found
        if found := _to_parent(asked, table, column, before, line):
            return found
    column = asked.equal[0][1] if asked.equal else "pk"
    return f"ask once for all rows before the loop, with filter({column}__in=…)"


def _last_first(before: Sequence[Before]) -> Iterator[Before]:
    """The queries whose rows may be looped over: none for one row, none that only counts."""
    for query in reversed(before):
        shape = read(query.shape)
        if not (shape.reads_one_row or shape.is_count or shape.is_exists or shape.aggregate):
            yield query


def _holders(before: Sequence[Before]) -> Iterator[tuple[Before, str, type[Model]]]:
    """What was read before, the last first: the query, the path within it and the model there."""
    for query in _last_first(before):
        for path, model in read(query.shape).models():
            yield query, path, model


def _told(method: str, name: str, holder: type[Model], before: Sequence[Before]) -> str:
    """`method("name")` to be added where the rows of `holder` were read, with the path that leads to them."""
    for query, path, model in _holders(before):
        if model is holder:
            root = read(query.shape).model or holder
            full = f"{path}__{name}" if path else name
            return f"add {method % full} to the query of {root._meta.verbose_name_plural} ({query.place})"
    return f"add {method % name} to the query of {holder._meta.verbose_name_plural}"


def _unread_column(asked: Shape, table: str, column: str, before: Sequence[Before]) -> str:
    """Rows read without a column, which is then read row by row."""
    model = asked.model
    if model is None or (table, column) != (asked.table, model._meta.pk.column):
        return ""
    missing = asked.columns() - {column}
    if not missing or missing >= {field.column for field in model._meta.concrete_fields} - {column}:
        return ""
    for query, _path, holder in _holders(before):
        if holder is model:
            names = ", ".join(sorted(missing))
            return (
                f"{names} was left out of the query of {model._meta.verbose_name_plural} ({query.place}): read it there"
            )
    return ""


def _from_parent(asked: Shape, table: str, column: str, before: Sequence[Before]) -> str:
    """Children of each parent: the column is a foreign key of the table that is read."""
    model = asked.model
    field = _relation(model, column) if table == asked.table else None
    if model is None or field is None:
        return ""
    parent, back = field.related_model, field.remote_field
    if asked.is_exists:
        exists = f'annotate(Exists({model.__name__}.objects.filter({field.name}=OuterRef("%s"))))'
        return _told(exists, "pk", parent, before)
    if back.hidden:  # related_name="+"
        return f"ask once for all rows before the loop, with filter({field.name}__in=…)"
    if asked.is_count:
        return _told('annotate(Count("%s"))', field.related_query_name(), parent, before)
    if asked.aggregate:
        function, summed = asked.aggregate
        return _told(f'annotate({function}("%s__{summed}"))', field.related_query_name(), parent, before)
    method = 'select_related("%s")' if field.one_to_one else 'prefetch_related("%s")'
    return _told(method, back.get_accessor_name(), parent, before)


def _through(asked: Shape, table: str, column: str, before: Sequence[Before]) -> str:
    """Rows joined through a table between: a many-to-many relation of the parent."""
    between = tables().get(table)
    field = _relation(between, column)
    if between is None or field is None or table == asked.table:
        return ""
    for name, through, model in _many_to_many(field.related_model):
        if through is between and model is asked.model:
            return _told('prefetch_related("%s")', name, field.related_model, before)
    return ""


def _many_to_many(parent: type[Model]) -> Iterator[tuple[str, type[Model] | None, type[Model]]]:
    """(name, the table between, what is led to) of each many-to-many relation of `parent`, from either side."""
    for own in parent._meta.many_to_many:
        yield own.name, own.remote_field.through, own.related_model
    for back in parent._meta.related_objects:
        if isinstance(back, ManyToManyRel) and (name := back.get_accessor_name()):
            yield name, back.through, back.related_model


def _generic(asked: Shape, table: str, column: str, before: Sequence[Before]) -> str:
    """Rows that name their parent by content type and id, where the parent declares the relation."""
    for _query, _path, holder in _holders(before):
        for relation in holder._meta.private_fields:
            named: Any = getattr(relation, "object_id_field_name", None)
            if named and relation.related_model is asked.model and (asked.table, named) in asked.equal:
                return _told('prefetch_related("%s")', relation.name, holder, before)
    return ""


def _to_parent(asked: Shape, table: str, column: str, before: Sequence[Before], line: str) -> str:
    """The one row that each row points at: the column is what foreign keys hold."""
    model = asked.model
    if model is None or table != asked.table:
        return ""
    for query in _last_first(before):
        shape = read(query.shape)
        ways = [
            f"{path}__{field.name}" if path else field.name
            for path, holder in shape.models()
            for field in _pointing(holder, model, column)
        ]
        if ways and shape.model:
            return f"add {_either(ways, line)} to the query of {shape.model._meta.verbose_name_plural} ({query.place})"
    names = {field.name for holder in tables().values() for field in _pointing(holder, model, column)}
    if len(told := names & set(re.findall(r"\w+", line))) == 1:  # rows that came from elsewhere, as out of a cache
        return f'add select_related("{told.pop()}") to the query before the loop'
    return "ask once for all rows before the loop, with in_bulk()" if column == model._meta.pk.column else ""


def _either(ways: list[str], line: str) -> str:
    """select_related() of the way that `line` names, or of each way in question."""
    named = [way for way in ways if all(step in re.findall(r"\w+", line) for step in way.split("__"))]
    chosen = sorted(named, key=len)[-1:] or ways[:WAYS_MAX]
    return " or ".join(f'select_related("{way}")' for way in chosen)


def _relation(model: type[Model] | None, column: str) -> ForeignKey[Any, Any] | None:
    """The foreign key of `model` that is kept in `column`."""
    if model is None:
        return None
    return next((one for one in _foreign_keys(model) if one.column == column), None)


def _foreign_keys(model: type[Model]) -> Iterator[ForeignKey[Any, Any]]:
    return (one for one in model._meta.concrete_fields if isinstance(one, ForeignKey))


def _pointing(holder: type[Model], model: type[Model], column: str) -> Iterator[ForeignKey[Any, Any]]:
    """Foreign keys of `holder` to `model` that hold its `column`."""
    for field in _foreign_keys(holder):
        if field.related_model is model and field.target_field.column == column:
            yield field
