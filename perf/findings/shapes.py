"""What a query's shape says: the table it reads, those it joins, the columns it compares, and their models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from django.apps import apps
from django.db.models import Model

DEPTH = 3  # joins from the table that is read

_FROM = re.compile(
    r'\bFROM "?(\w+)"?(?: (?:AS )?"?((?!WHERE\b|INNER\b|LEFT\b|JOIN\b|ORDER\b|GROUP\b|LIMIT\b)\w+)"?)?', re.IGNORECASE
)
_JOIN = re.compile(r'\bJOIN "?(\w+)"?', re.IGNORECASE)
_WHERE = re.compile(r"\bWHERE (.*?)(?: GROUP BY | ORDER BY | LIMIT | FOR UPDATE|$)", re.IGNORECASE)
_EQUAL = re.compile(r'(?:"?(\w+)"?\.)?"?\b(\w+)"? = \?')
_COMPARED = re.compile(r'(?:"?(\w+)"?\.)?"?\b(\w+)"? (?:=|<|>|<=|>=|IN|BETWEEN) ?(?:\?|\(…\))', re.IGNORECASE)
_COUNT = re.compile(r"^SELECT COUNT\(", re.IGNORECASE)
_AGGREGATE = re.compile(r'^SELECT (SUM|AVG|MIN|MAX)\("?(?:\w+"?\."?)?(\w+)"?\)', re.IGNORECASE)
_EXISTS = re.compile(r"^SELECT \? AS ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shape:
    """A query read once: `equal` and `compared` are (table, column) pairs, aliases of `table` resolved.

    `equal` are those of the first WHERE that are = one value; `compared` those of every WHERE, in whichever way.
    """

    sql: str
    verb: str
    table: str
    joined: tuple[str, ...]
    equal: tuple[tuple[str, str], ...]
    compared: tuple[tuple[str, str], ...]

    @property
    def is_count(self) -> bool:
        """Whether it only counts."""
        return bool(_COUNT.match(self.sql))

    @property
    def is_exists(self) -> bool:
        """Whether it only asks if there is a row."""
        return bool(_EXISTS.match(self.sql))

    @property
    def aggregate(self) -> tuple[str, str] | None:
        """The function and the column, where it gives one sum, mean, least or most: ("Sum", "size")."""
        found = _AGGREGATE.match(self.sql)
        return (found[1].title(), found[2]) if found else None

    @property
    def model(self) -> type[Model] | None:
        """The model whose table is read, if one has it."""
        return tables().get(self.table)

    @property
    def reads_one_row(self) -> bool:
        """Whether the primary key is compared with one value."""
        model = self.model
        return model is not None and (self.table, model._meta.pk.column) in self.equal

    def columns(self) -> set[str]:
        """The columns of `table` that are selected by name."""
        selected = self.sql.partition(" FROM ")[0]
        return set(re.findall(rf'"{self.table}"\."(\w+)"', selected))

    def models(self) -> Iterator[tuple[str, type[Model]]]:
        """The models whose rows it reads, each with its path from the first: ("", WorkItem), ("photo", Photo)."""
        if self.model is not None:
            yield "", self.model
            yield from _joined(self.model, frozenset(self.joined), "", DEPTH)


def _joined(model: type[Model], names: frozenset[str], path: str, depth: int) -> Iterator[tuple[str, type[Model]]]:
    """Models that forward relations of `model` reach through the tables `names`."""
    for field in model._meta.concrete_fields:
        other = field.related_model
        if not depth or not isinstance(other, type) or other._meta.db_table not in names:
            continue
        there = f"{path}{field.name}"
        yield there, other
        yield from _joined(other, names - {other._meta.db_table}, f"{there}__", depth - 1)


@lru_cache(maxsize=512)
def read(sql: str) -> Shape:
    """What the shape `sql` (see perf.statements) says."""
    found, where = _FROM.search(sql), _WHERE.search(sql)
    table, alias = (found[1], found[2] or found[1]) if found else ("", "")
    clause = where[1] if where else ""

    def columns(pattern: re.Pattern[str], text: str) -> tuple[tuple[str, str], ...]:
        return tuple((table if name in ("", alias) else name, column) for name, column in pattern.findall(text))

    return Shape(
        sql=sql,
        verb=sql.partition(" ")[0].upper(),
        table=table,
        joined=tuple(_JOIN.findall(sql)),
        equal=columns(_EQUAL, clause),
        compared=columns(_COMPARED, sql[where.start() :] if where else ""),
    )


@cache
def tables() -> dict[str, type[Model]]:
    """Every model by its table."""
    return {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
