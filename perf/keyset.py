"""An order that rows can be sought by: compares whole keys, with NULLs last, on every database alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from functools import cached_property, reduce
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from django.core import signing
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import BooleanField, Expression, F, Field, Func, Model, Q, QuerySet, Value

Key = tuple[Any, ...]
Groups = Sequence[tuple[Any, int]]
"""The values of an order's first column, in that order, with how many rows have each."""

AFTER, BEFORE, END = "a", "b", "z"
_signer = signing.Signer(salt="perf.keyset", algorithm="sha1")  # as an HMAC, and 27 characters instead of 43


class Cursor(NamedTuple):
    """A place in an order: after a key, before a key, or the end."""

    kind: str
    key: Key = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an order: the path to it, its direction and the field that knows its type."""

    name: str
    descending: bool
    field: Field[Any, Any]

    def toward(self, *, backwards: bool) -> str:
        """The comparison that holds for what comes later, or earlier when read backwards."""
        return "<" if self.descending != backwards else ">"

    def ordering(self, *, backwards: bool) -> str:
        """The name as QuerySet.order_by takes it."""
        return f"-{self.name}" if self.descending != backwards else self.name


class Beyond(Func):
    """(a, b) > (x, y) as one comparison, which an index on (a, b) answers by seeking."""

    output_field = BooleanField()

    def __init__(self, columns: Sequence[Column], key: Key, operator: str) -> None:
        values = [Value(value, output_field=column.field) for column, value in zip(columns, key, strict=True)]
        super().__init__(*[F(column.name) for column in columns], *values, operator=operator)

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]  # Func's template arguments have no use here
        parts = [compiler.compile(source) for source in self.source_expressions]
        half = len(parts) // 2
        left, right = (", ".join(sql for sql, _ in side) for side in (parts[:half], parts[half:]))
        return f"({left}) {self.extra['operator']} ({right})", [value for _, values in parts for value in values]


class Order:
    """A total order over the rows of one model.

    `names` are as in QuerySet.order_by; where they do not end in something unique, the primary key is added. Only
    the first column may be nullable; its NULLs come last in both directions. One direction for all columns lets an
    index serve every page as a seek.
    """

    def __init__(self, rows: QuerySet[Any, Any], names: Sequence[str]) -> None:
        self.model = rows.model
        self.columns = [_column(rows, name) for name in names]
        if not self._is_total():
            last = self.columns[-1].descending if self.columns else False
            self.columns.append(Column(self.model._meta.pk.attname, last, self.model._meta.pk))
        if nullable := [column.name for column in self.columns[1:] if _may_be_null(column)]:
            raise ValueError(f"only the first column of an order may be nullable, not {', '.join(nullable)}")
        self.nulls_last = _may_be_null(self.columns[0])

    @property
    def names(self) -> list[str]:
        """The columns' names; a key holds their values in this order."""
        return [column.name for column in self.columns]

    def _is_total(self) -> bool:
        names = {column.name for column in self.columns if not _may_be_null(column)}
        meta = self.model._meta
        unique = [{field.attname} for field in meta.concrete_fields if field.unique]
        unique += [
            {meta.get_field(name).attname for name in constraint.fields} for constraint in meta.total_unique_constraints
        ]
        unique += [{meta.get_field(name).attname for name in group} for group in meta.unique_together]
        return any(group <= names for group in unique)

    @cached_property
    def is_indexed(self) -> bool:
        """Whether an index starts with the first column, so that its rows come sorted."""
        field = self.columns[0].field
        if (model := _table(self.columns[0])) is None:
            return False
        groups = [index.fields for index in model._meta.indexes if not index.condition]
        groups += [constraint.fields for constraint in model._meta.total_unique_constraints]
        return field.unique or any(group[0].lstrip("-") == field.name for group in groups if group)

    def ordering(self) -> list[Expression | str]:
        """What QuerySet.order_by takes for the whole order."""
        plain: list[Expression | str] = [column.ordering(backwards=False) for column in self.columns]
        if self.nulls_last:
            first = F(self.columns[0].name)
            plain[0] = first.desc(nulls_last=True) if self.columns[0].descending else first.asc(nulls_last=True)
        return plain

    def take(self, rows: QuerySet[Any, Any], limit: int, *, key: Key = (), backwards: bool = False) -> list[Any]:
        """Up to `limit` rows after `key` (from the start without one), or before it (from the end) when backwards."""
        found: list[Any] = []
        for part, columns, start in self._parts(rows, key, backwards=backwards):
            if len(found) == limit:
                break
            if start:
                part = part.filter(_beyond(columns, start, backwards=backwards))  # noqa: PLW2901  # the same rows, fewer
            ordering = [column.ordering(backwards=backwards) for column in columns]
            part = part.order_by(*ordering)  # noqa: PLW2901  # the same
            page = part[: limit - len(found)]
            if not self.is_indexed:  # then all are sorted: their keys alone, before anything is joined to them
                page = rows.filter(pk__in=part.values("pk")[: limit - len(found)]).order_by(*ordering)
            found += page
        return found[::-1] if backwards else found

    def key_at(self, rows: QuerySet[Any, Any], offset: int, groups: Groups = ()) -> Key:
        """The key of the row that `offset` others come before; empty where there is none. Reads keys alone.

        With `groups` at most half of one group's keys are read, from its nearer end.
        """
        keys = rows.values_list(*self.names)
        for value, count in groups:
            if offset < count:
                part, backwards = keys.filter(**{self.columns[0].name: value}), offset > count // 2
                return self._key_at(
                    part, self.columns, count - 1 - offset if backwards else offset, backwards=backwards
                )
            offset -= count
        if groups:
            return ()
        for part, columns, _ in self._parts(keys, (), backwards=False):
            if key := self._key_at(part, columns, offset):
                return key
            offset -= part.order_by().count() if self.nulls_last else 0
        return ()

    @staticmethod
    def _key_at(part: QuerySet[Any, Any], columns: list[Column], offset: int, *, backwards: bool = False) -> Key:
        found = part.order_by(*[column.ordering(backwards=backwards) for column in columns])[offset : offset + 1]
        return next(iter(found), ())

    def _parts(
        self, rows: QuerySet[Any, Any], key: Key, *, backwards: bool
    ) -> Iterator[tuple[QuerySet[Any, Any], list[Column], Key]]:
        """The rows with a value in the first column, then those without: each part is a plain index scan."""
        if not self.nulls_last:
            yield rows, self.columns, key
            return
        name = self.columns[0].name
        parts = [
            (rows.exclude(**{name: None}), self.columns, False),
            (rows.filter(**{name: None}), self.columns[1:], True),
        ]
        for part, columns, is_null in reversed(parts) if backwards else parts:
            if not key:
                yield part, columns, ()
            elif (key[0] is None) == is_null:
                yield part, columns, key[1:] if is_null else key
            elif is_null != backwards:  # wholly beyond the key
                yield part, columns, ()

    @cached_property
    def tag(self) -> str:
        """A short name of this order; a cursor made for another one does not fit."""
        text = f"{self.model._meta.label} {[(column.name, column.descending) for column in self.columns]}"
        return blake2b(text.encode(), digest_size=4).hexdigest()

    def encode(self, cursor: Cursor) -> str:
        """`cursor` as signed text for an address."""
        return _signer.sign_object([self.tag, cursor.kind, [_plain(value) for value in cursor.key]])

    def decode(self, text: str) -> Cursor | None:
        """The cursor in `text`; None where it is forged, broken or made for another order."""
        try:
            tag, kind, values = _signer.unsign_object(text)
            if tag != self.tag or len(values) != (0 if kind == END else len(self.columns)):
                return None
            return Cursor(
                kind,
                tuple(
                    None if value is None else column.field.to_python(value)
                    for column, value in zip(self.columns, values, strict=False)
                ),
            )
        except (signing.BadSignature, ValidationError, ValueError):
            return None


def _column(rows: QuerySet[Any, Any], text: str) -> Column:
    name = text.removeprefix("-")
    if name in rows.query.annotations:
        return Column(name, text.startswith("-"), rows.query.annotations[name].output_field)
    path, model = name.split("__"), rows.model
    for step in path[:-1]:
        model = model._meta.get_field(step).related_model
    field = model._meta.pk if path[-1] == "pk" else _field(model, path[-1])
    return Column("__".join([*path[:-1], field.attname]), text.startswith("-"), field)


def _field(model: type[Model], name: str) -> Any:
    """The field called `name`, or whose column is: "account" and "account_id" are the same."""
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        return next(field for field in model._meta.concrete_fields if field.attname == name)


def _may_be_null(column: Column) -> bool:
    return bool(column.field.null)


def _table(column: Column) -> Any:
    """The model whose column it is; None for what an expression works out."""
    return getattr(column.field, "model", None)


def _beyond(columns: Sequence[Column], key: Key, *, backwards: bool) -> Expression | Q:
    """The condition for rows beyond `key`: one comparison, unless the columns differ in direction or table."""
    operators = {column.toward(backwards=backwards) for column in columns}
    if len(operators) == len({_table(column) for column in columns}) == 1:
        return Beyond(columns, key, operators.pop())
    lookups = {"<": "lt", ">": "gt"}
    pairs = [
        (column.name, lookups[column.toward(backwards=backwards)], value)
        for column, value in zip(columns, key, strict=True)
    ]
    first, lookup, bound = pairs[0]
    steps = [
        Q(**{name: value for name, _, value in pairs[:index]}, **{f"{name}__{lookup}": value})
        for index, (name, lookup, value) in enumerate(pairs)
    ]
    # The bound on the first column says nothing new; it lets an index start there.
    return Q(**{f"{first}__{lookup}e": bound}) & reduce(Q.__or__, steps)


def _plain(value: Any) -> Any:
    """JSON for a key's value, exact: DjangoJSONEncoder would cut microseconds."""
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, (Decimal, UUID)) else value
