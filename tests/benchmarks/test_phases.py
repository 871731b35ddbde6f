"""The table of phases has a number before and one after for each, and leaves the indexes that it drops."""

from __future__ import annotations

from collections import defaultdict

import pytest
from django.db import connection

from workitems import benchmarks as lists
from workitems.models import WorkItem
from workitems.seeding import seed_items


@pytest.mark.req("B95", "B114")
def test_each_phase_in_the_database_has_a_before_and_an_after(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import phases  # it sets Django up, which is done by now

    monkeypatch.setattr(lists, "ITEMS", 60)
    list(seed_items(1, 60, rows=60))
    parts = (phases._indexes, phases._eager_and_paged, phases._kept, phases._searched)
    found: dict[str, list[str]] = defaultdict(list)
    values: dict[tuple[str, str, str], float] = {}
    for line in (line for part in parts for line in part()):
        found[line.case[:7]].append(line.variant)
        values[line.case, line.variant, line.unit] = line.value
    assert set(found) == {"phase 1", "phase 2", "phase 3", "phase 6"}
    assert all(ways.count("before") == ways.count("after") for ways in found.values())
    assert values["phase 1: the same", "before", "queries"] == 1 + 2 * 60
    assert values["phase 1: the same", "after", "queries"] == 3
    with connection.cursor() as cursor:
        there = connection.introspection.get_constraints(cursor, WorkItem._meta.db_table)
    assert {index.name for index in WorkItem._meta.indexes} <= set(there)
