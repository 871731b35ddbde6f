"""How the database would run a query whose values nobody kept, and what has changed since it was last asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import ndiff
from itertools import count

from django.db import DatabaseError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from perf.models import KnownQuery, QueryPlan
from perf.statements import statement

SECONDS_MAX = 2  # planning takes milliseconds; a locked catalogue must not hold a web process
GENERIC_SINCE = 160_000  # PostgreSQL 16

_SLOT = re.compile(r"%s|%%")
_COST = re.compile(r"\(cost=[\d.]+\.\.([\d.]+) ")
_ESTIMATES = re.compile(r" +\(cost=[^)]*\)")


class CannotExplain(Exception):
    """The database was not asked, or gave no plan; the text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plan beside the last one: `sign` is +, − or empty."""

    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A plan beside the one before it."""

    words: str
    lines: list[Line]


def explained(query: KnownQuery) -> QueryPlan:
    """The plan of `query`, not stored. Nothing runs: the database only plans. Raises CannotExplain."""
    if not statement(query.template).can_be_planned:
        raise CannotExplain("Only a single SELECT that was kept whole can be planned. This one cannot.")
    if connection.vendor == "postgresql":
        lines = _on_postgresql(query.template)
    elif connection.vendor == "sqlite":
        lines = _on_sqlite(query.template)
    else:
        raise CannotExplain(f"Plans can be shown on PostgreSQL and SQLite, not on {connection.display_name}.")
    return QueryPlan(query=query, text="\n".join(lines), cost=_cost(lines), server=_server(connection))


def _on_postgresql(template: str) -> list[str]:
    if connection.pg_version < GENERIC_SINCE:  # type: ignore[attr-defined]  # PostgreSQL's own
        raise CannotExplain("PostgreSQL plans a query without its values from version 16 on. This one is older.")
    numbers = count(1)
    sql = _SLOT.sub(lambda slot: "%" if slot[0] == "%%" else f"${next(numbers)}", template)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{SECONDS_MAX}s'")
            cursor.execute(f"SET LOCAL lock_timeout = '{SECONDS_MAX}s'")
            cursor.execute(f"EXPLAIN (GENERIC_PLAN) {sql}")
            return [line for (line,) in cursor.fetchall()]
    except DatabaseError as error:
        raise CannotExplain(f"PostgreSQL could not plan it without its values: {_first_line(error)}.") from error


def _on_sqlite(template: str) -> list[str]:
    """SQLite wants as many values as there are places; it plans without looking at them."""
    values = [None] * _SLOT.sub(lambda slot: "" if slot[0] == "%%" else "\0", template).count("\0")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {template}", values)
            rows = cursor.fetchall()
    except DatabaseError as error:
        raise CannotExplain(f"SQLite could not plan it: {_first_line(error)}.") from error
    depth: dict[int, int] = {0: -1}
    for number, parent, _, _ in rows:
        depth[number] = depth.get(parent, -1) + 1
    return ["  " * depth[number] + detail for number, _, _, detail in rows]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


def _server(database: BaseDatabaseWrapper) -> str:
    return f"{database.display_name} {'.'.join(str(part) for part in database.get_database_version())}"


def _cost(lines: list[str]) -> float | None:
    found = _COST.search(lines[0]) if lines else None
    return float(found[1]) if found else None


def compared(new: QueryPlan, old: QueryPlan | None) -> Comparison:
    """`new` beside `old`: whether the steps differ, how the estimate moved, and each line."""
    lines = new.text.splitlines()
    if old is None:
        return Comparison(
            "The first plan of this query. The next one is compared with it.", [Line("", x) for x in lines]
        )
    before = f"{old.at:%d %b %Y, %H:%M}"
    if _steps(old) == _steps(new):
        return Comparison(f"The same steps as on {before}{_moved(new, old)}.", [Line("", line) for line in lines])
    signs = {"+ ": "+", "- ": "\N{MINUS SIGN}", "  ": ""}
    differ = [Line(signs[x[:2]], x[2:]) for x in ndiff(_steps(old), _steps(new)) if x[:2] in signs]
    return Comparison(f"Other steps than on {before}{_moved(new, old)}.", differ)


def _steps(plan: QueryPlan) -> list[str]:
    """The plan's lines without estimates, which move with every new row."""
    return _ESTIMATES.sub("", plan.text).splitlines()


def _moved(new: QueryPlan, old: QueryPlan) -> str:
    if new.cost is None or old.cost is None:
        return ""
    percent = 100 * (new.cost - old.cost) / old.cost if old.cost else 0.0
    change = f"{percent:+.0f}\N{NO-BREAK SPACE}%".replace("-", "\N{MINUS SIGN}")
    return f"; the estimated cost went from {old.cost:,.0f} to {new.cost:,.0f} ({change})"
