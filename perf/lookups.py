"""`among`: membership in many values, sent as one parameter however many there are."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Field, ForeignObject, Lookup


@ForeignObject.register_lookup  # which does not inherit those of Field
@Field.register_lookup
class Among(Lookup):
    """`filter(pk__among=ids)`: as `in`, for thousands of integers.

    `in` sends a parameter for each, which costs more than reading the rows, and SQLite refuses more than it allows.
    """

    lookup_name = "among"

    def get_prep_lookup(self) -> list[int]:
        return [int(value) for value in self.rhs]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} {AMONG[connection.vendor]}", (*params, listed(self.rhs, connection.vendor))


AMONG = {"postgresql": "= ANY(%s)", "sqlite": "IN (SELECT value FROM json_each(%s))"}
"""The condition as each database says it, for statements written by hand; see `listed` for its parameter."""


def listed(ids: list[int], vendor: str) -> Any:
    """`ids` as the one parameter of AMONG."""
    return ids if vendor == "postgresql" else json.dumps(ids)
