"""What stands beside the list: how many items there are by state, and what they can be filtered by."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import connection
from ninja import Schema

from perf.cache import cached, key
from workitems.cache import STATS
from workitems.workflow import Status

CHOICES_MAX = 300  # more than these make no list to choose from: then the name is typed
CHOSEN_BY = {"locations": "location", "submitters": "submitter_name", "assignees": "assigned_to_name"}

# One step of an index for each value, however many items have it.
VALUES = """
SELECT '{name}' AS kind, value, 0 AS items FROM (
    WITH RECURSIVE each(value) AS (
        SELECT min({column}) FROM workitems_workitem WHERE {column} > '' AND deleted_at IS NULL
        UNION ALL
        SELECT (SELECT min({column}) FROM workitems_workitem WHERE {column} > each.value AND deleted_at IS NULL)
        FROM each WHERE each.value IS NOT NULL
    )
    SELECT value FROM each WHERE value IS NOT NULL LIMIT {most}
) AS {name}
"""
ALL = " UNION ALL ".join(
    [
        "SELECT 'status' AS kind, status AS value, items FROM workitems_statustotal",
        *(VALUES.format(name=name, column=column, most=CHOICES_MAX + 1) for name, column in CHOSEN_BY.items()),
    ]
)


class Around(Schema):
    """Numbers of items, and the values of each filter, sorted; none where there are too many to choose from."""

    total: int
    submitted: int
    in_review: int
    with_crew: int
    completed: int
    locations: list[str]
    submitters: list[str]
    assignees: list[str]

    @property
    def open(self) -> int:
        """Items that are not completed."""
        return self.total - self.completed


def around() -> Around:
    """What stands beside the list, from the cache; one query without it."""
    return Around.model_construct(**orjson.loads(cached(STATS, key("workitems:around"), read).value))


def read() -> bytes:
    """The same as JSON, from the database."""
    with connection.cursor() as cursor:
        cursor.execute(ALL)
        rows: list[tuple[str, str, int]] = cursor.fetchall()
    numbers = {value: items for kind, value, items in rows if kind == "status"}
    found: dict[str, Any] = {
        "total": sum(numbers.values()),
        "submitted": numbers.get(Status.SUBMITTED, 0),
        "in_review": numbers.get(Status.IN_REVIEW, 0),
        "with_crew": numbers.get(Status.NEEDS_REVISION, 0) + numbers.get(Status.AWAITING_PHOTOS, 0),
        "completed": numbers.get(Status.COMPLETED_REVIEW, 0),
    }
    for name in CHOSEN_BY:
        values = sorted((value for kind, value, _ in rows if kind == name), key=str.casefold)
        found[name] = values if len(values) <= CHOICES_MAX else []
    return orjson.dumps(found)
