"""Finding items by words: the same on both databases, whatever is typed."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import ProgrammingError, connection
from django.http import QueryDict
from django.test import Client

from tests import factories
from workitems import photos, search, search_index
from workitems.listing import Filters, page_of
from workitems.models import WorkItem

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]
ON_POSTGRESQL = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="full text is PostgreSQL's")


@pytest.fixture
def reader() -> Any:
    return factories.user("reviewer", password="!")


@pytest.fixture
def three(reader: Any) -> None:
    """A valve, a handrail and a ladder, each with a word that no other has."""
    mark = factories.user("crew", first_name="Mark", last_name="Twain")
    factories.item(mark, number="P-101", description="Valve was leaking badly", detail="Replaced the seal")
    rail = factories.item(
        number="Q_7", location="North pier", description="Handrail, 50% of snake_case\\path", detail="-"
    )
    made = factories.photo(rail)
    photos.set_caption(made, "The nameplate", by=reader)
    factories.item(
        number="R9", description="Ladder of Álvarez", detail="The 505 roof, on a\np1 with snakescase (k2) and ÉTÉ"
    )


def found(words: str, user: Any) -> str:
    page = page_of(Filters.of(QueryDict(mutable=False, query_string="")).model_copy(update={"search": words}), user)
    return " ".join(item.number for item in page.object_list)


ORDINARY = {
    "valve": "P-101",
    "VALVE": "P-101",
    "valv": "P-101",
    "alve": "P-101",
    "P-101": "P-101",
    "p-1": "P-101",
    "twain": "P-101",
    "seal": "P-101",
    "pier": "Q_7",
    "nameplate": "Q_7",
    "meplat": "Q_7",
    "handrail nameplate": "Q_7",
    "handrail valve": "",
    "the valve in": "P-101",
    "R9": "R9",
    "50%": "Q_7",
    "snake_": "Q_7",
    "case\\path": "Q_7",
    "%": "Q_7",
    "' or \\ :* & | ! <-> (": "",
    "valve - & twain": "P-101",
    "engine": "R9 P-101",
    "On": "R9",
    "in": "",
    "on of": "R9",
    "s": "R9 Q_7 P-101",
    "p1": "R9",
    "k2": "R9",
    "álvarez": "R9",
    "Álvarez": "R9",
    "ÁLV": "R9",
    "varez": "R9",
    "été": "R9",
    "ét": "R9",
}


@pytest.mark.req("B61", "B62")
def test_ordinary_words_find_the_same_on_both_databases(three: None, reader: Any) -> None:
    assert {words: found(words, reader) for words in ORDINARY} == ORDINARY


@ON_POSTGRESQL
@pytest.mark.req("B61")
def test_other_forms_of_a_word_are_found_on_postgresql(three: None, reader: Any) -> None:
    assert {words: found(words, reader) for words in ("leaks", "leaked seals", "valves")} == {
        "leaks": "P-101",
        "leaked seals": "P-101",
        "valves": "P-101",
    }


@ON_POSTGRESQL
@pytest.mark.req("B61")
def test_words_and_parts_of_words_are_found_by_their_indexes(three: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plans = search.matching(WorkItem.objects.order_by(), ["leaks"]).explain()
    assert f"Bitmap Index Scan on {search_index.WORDS}" in plans
    assert f"Bitmap Index Scan on {search_index.LETTERS}" in plans


def test_caption_is_found_until_its_photo_is_removed(three: None, reader: Any) -> None:
    photo = WorkItem.objects.get(number="Q_7").photos.get()
    photos.set_caption(photo, "Weld seam", by=reader)
    assert (found("nameplate", reader), found("seam", reader)) == ("", "Q_7")
    photos.remove(photo, by=reader)
    assert found("seam", reader) == ""
    photos.restore(photo, by=reader)
    assert found("seam", reader) == "Q_7"


def test_of_many_that_are_found_it_is_said_that_they_are_more(
    three: None, reader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FEW", 1)
    page = page_of(Filters(search="engine", per_page=1), reader)
    assert (page.total, page.total_is_lower_bound) == (1, True)
    second = page_of(Filters(search="engine", per_page=1, page=2, after=page.next_after), reader)
    assert [row.number for each in (page, second) for row in each.object_list] == ["R9", "P-101"]


def test_found_words_are_marked_and_nothing_typed_becomes_markup(reader: Any, client: Client) -> None:
    client.force_login(reader)
    factories.item(description="<b>Valves</b> leak", detail="Behind the boiler <i>room</i> door")
    html = client.get("/workitems/", {"search": "valve"}).content.decode()
    assert "&lt;b&gt;<mark>Valve</mark>s&lt;/b&gt; leak" in html
    hidden = client.get("/workitems/", {"search": "boiler"}).content.decode()
    assert "Behind the <mark>boiler</mark> &lt;i&gt;room&lt;/i&gt; door" in hidden
    assert "<script>" not in client.get("/workitems/", {"search": "<script>"}).content.decode().split("<main")[1]


@ON_POSTGRESQL
def test_without_the_right_to_extensions_the_rest_is_built_and_it_is_said(
    three: None, reader: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    class Refusing:
        """A connection whose user may not create extensions; nothing is built beside running writers here."""

        vendor = "postgresql"
        said: list[str] = []

        def cursor(self) -> Any:
            return self

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: Any) -> None:
            return None

        def execute(self, statement: str, parameters: Any = None) -> None:
            if statement == search_index.EXTENSION:
                raise ProgrammingError("permission denied to create extension")
            self.said.append(statement)

        def fetchone(self) -> None:
            return None

        def fetchall(self) -> list[Any]:
            return []

    assert search_index.build(Refusing()) is False
    assert search_index.WORDS_INDEX in Refusing.said
    assert search_index.LETTERS_INDEX not in Refusing.said
    told = capsys.readouterr().err
    assert "manage.py index_search" in told
    assert "permission denied" in told
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {search_index.LETTERS}")
    assert [warning.id for warning in search_index.part_words_are_indexed(["default"])] == ["workitems.W001"]
    assert found("alve", reader) == "P-101"


@ON_POSTGRESQL
def test_letters_alone_say_that_many_match_and_words_are_asked_where_they_say_few(
    three: None, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(search, "FEW", 1)
    with django_assert_num_queries(1) as asked:
        assert search.found(WorkItem.objects.present(), ["snake"])[1] is None
    assert "to_tsquery" not in asked.captured_queries[0]["sql"]
    with django_assert_num_queries(2):
        items, total = search.found(WorkItem.objects.present(), ["leaks"])  # of which only the stem is there
    assert (total, [item.number for item in items]) == (1, ["P-101"])
