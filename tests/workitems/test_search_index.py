"""What the search is kept by comes to filled tables, whatever an earlier version made of them."""

from __future__ import annotations

import pytest
from django.db import connection

from tests import factories
from workitems import search, search_index
from workitems.models import WorkItem

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="full text is PostgreSQL's")
TABLE_FILE = "SELECT pg_relation_filenode('workitems_workitem')"
UNTRUE = """
SELECT count(*) FROM workitems_workitem,
concat_ws(' ', number, location, description, submitter_name, captions, detail) said
WHERE (letters, words) IS DISTINCT FROM (lower(said), to_tsvector('english', said))
"""
EARLIER = """
ALTER TABLE workitems_workitem
ADD COLUMN words tsvector GENERATED ALWAYS AS (to_tsvector('english', description)) STORED,
ADD COLUMN letters text GENERATED ALWAYS AS (lower(description)) STORED
"""


def asked(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


def found(word: str) -> list[str]:
    return [item.number for item in search.matching(WorkItem.objects.order_by("number"), [word])]


def test_items_are_made_ready_for_the_search_without_their_table_being_rewritten(
    restored: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "FILL", search_index.FILL.replace("LIMIT 250", "LIMIT 2"))
    search_index.drop(connection)
    for number in ("A1", "A2", "A3", "A4", "A5"):
        factories.item(number=number, description="Valve leaks", detail="At the pier")
    file = asked(TABLE_FILE)
    search_index.build(connection)
    assert (asked(TABLE_FILE), asked(UNTRUE)) == (file, 0)
    assert found("valves") == ["A1", "A2", "A3", "A4", "A5"]

    WorkItem.objects.filter(number="A2").update(description="Ladder")
    WorkItem.objects.filter(number="A3").update(status="in_review")
    WorkItem.objects.bulk_create([WorkItem(number="A6", description="Valve")])
    assert found("valves") == ["A1", "A3", "A4", "A5", "A6"]
    assert asked(UNTRUE) == 0


def test_generated_columns_of_an_earlier_version_are_kept_by_the_trigger_from_then_on(restored: None) -> None:
    search_index.drop(connection)
    factories.item(number="A1", description="Valve leaks", detail="-")
    with connection.cursor() as cursor:
        cursor.execute(EARLIER)
    file = asked(TABLE_FILE)
    search_index.build(connection)
    assert asked(TABLE_FILE) == file
    assert found("leak") == ["A1"]
    WorkItem.objects.update(description="Ladder")
    assert (found("leak"), found("ladders")) == ([], ["A1"])
    assert asked(UNTRUE) == 0
