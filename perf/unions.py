"""Several short lists by one statement, each with an order and a limit of its own."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import QuerySet

_PART = "SELECT {place} AS part, row_number() OVER () AS nth, rows.* FROM ({select}) AS rows"


def rows_of_each(*parts: QuerySet[Any, Any]) -> list[list[tuple[Any, ...]]]:
    """The rows of each of `parts`, which are values_list() with as many numbers or texts in the same places.

    Values come as the database gives them. The ORM's own union() refuses parts with a limit on SQLite.
    """
    found: list[list[tuple[Any, ...]]] = [[] for _ in parts]
    selects, params = zip(*(part.query.sql_with_params() for part in parts), strict=True)
    each = [_PART.format(place=place, select=select) for place, select in enumerate(selects)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(each) + " ORDER BY 1, 2", [one for some in params for one in some])
        for place, _, *row in cursor.fetchall():
            found[place].append(tuple(row))
    return found
