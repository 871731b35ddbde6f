"""The list of work items: filters, orders, pages and what an address keeps of them."""

from __future__ import annotations

import re
from datetime import timedelta
from time import perf_counter
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from perf import clock
from tests import factories
from workitems import search
from workitems.cards import cards_of
from workitems.listing import Filters, Sort, State, all_of, page_of
from workitems.models import SORTS, StatusTotal, WorkItem
from workitems.seeding import seed_items
from workitems.workflow import Status, move

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]
ADDRESS = "/workitems/"


@pytest.fixture
def reader(client: Client) -> Any:
    """A reviewer, signed in at `client`."""
    person = factories.user("reviewer", username="dana", password="!")
    client.force_login(person)
    return person


def numbers(query: str, user: Any) -> list[str]:
    return [item.number for item in page_of(Filters.of(QueryDict(query)), user).object_list]


@pytest.fixture
def six(reader: Any) -> dict[str, Any]:
    """Six items that differ in all that a list can be filtered by; the later, the newer."""
    mark, art = factories.user("crew", first_name="Mark"), factories.user("crew", first_name="Art")
    made = {
        "A": factories.item(mark, number="A", location="Roof"),
        "B": factories.item(art, number="B", location="Depot", photos=1),
        "C": factories.item(mark, number="C", location="Depot", photos=6),
        "D": factories.item(art, number="D", location="Roof"),
        "E": factories.item(mark, number="E", location="Roof annex"),
        "F": factories.item(art, number="F", location="Depot"),
    }
    for place, item in enumerate(made.values()):
        WorkItem.objects.filter(pk=item.pk).update(submitted_at=clock.now() - timedelta(days=6 - place))
    move(made["D"], Status.IN_REVIEW, by=reader, version=made["D"].version)
    move(made["E"], Status.IN_REVIEW, by=reader, version=made["E"].version)
    made["E"].refresh_from_db()
    move(made["E"], Status.COMPLETED_REVIEW, by=reader, version=made["E"].version)
    WorkItem.objects.filter(number="F").update(assigned_to=reader, assigned_to_name="Dana")
    WorkItem.objects.filter(number="A").update(assigned_to=None, assigned_to_name="")
    return made


@pytest.mark.req("B21")
def test_each_filter_and_all_of_them_together(six: dict[str, Any], reader: Any) -> None:
    days_ago = (clock.today() - timedelta(days=4)).isoformat()
    expected = {
        "": "FEDCBA",
        "status=all": "FEDCBA",
        "status=submitted": "FCBA",
        "status=in_review": "D",
        "status=in_progress": "FDCBA",
        "location=Roof": "DA",
        "submitter=Mark": "ECA",
        "assigned_to=Dana": "F",
        "assigned_to=me": "F",
        "assigned_to=nobody": "A",
        "photos=with": "CB",
        "photos=without": "FEDA",
        f"from={days_ago}&to={days_ago}": "C",
        f"from={days_ago}": "FEDC",
        f"to={days_ago}": "CBA",
        "status=submitted&location=Depot&submitter=Art&photos=with": "B",
        "status=submitted&search=valve&sort=date_asc": "ABCF",
        "location=Roof&status=needs_revision": "",
    }
    assert {query: "".join(numbers(query, reader)) for query in expected} == expected


def test_the_words_of_filters_are_those_of_the_rules() -> None:
    assert set(get_args(State)) - set(Status.values) == {"all", "in_progress"}
    assert set(get_args(Sort)) == SORTS.keys()


def test_each_order(six: dict[str, Any], reader: Any) -> None:
    found = {sort: "".join(numbers(f"sort={sort}", reader)) for sort in SORTS}
    assert found == {"date_desc": "FEDCBA", "date_asc": "ABCDEF", "item_number": "ABCDEF", "submitter": "BDFACE"}


@pytest.mark.req("B24", "B25", "B31", "B32")
def test_pages_are_of_25_unless_told_and_of_100_at_most(settings: Any) -> None:
    queries = ("", "per_page=7&page=3", "per_page=9999&page=0", "per_page=x&page=y")
    sizes = {query: Filters.of(QueryDict(query)) for query in queries}
    assert {query: (each.page, each.per_page) for query, each in sizes.items()} == {
        "": (1, 25),
        "per_page=7&page=3": (3, 7),
        "per_page=9999&page=0": (1, 100),
        "per_page=x&page=y": (1, 25),
    }
    settings.ITEMS_PER_PAGE = 10
    settings.MAX_ITEMS_PER_PAGE = 50
    assert [Filters.of(QueryDict(query)).per_page for query in ("", "per_page=x", "per_page=9999")] == [10, 10, 50]


def test_what_an_address_cannot_mean_filters_nothing(six: dict[str, Any], reader: Any) -> None:
    assert len(numbers("status=gone&sort=x&from=yesterday&photos=2&to=10000-01-01&page=-3", reader)) == 6


@pytest.mark.req("B26")
def test_past_the_end_is_the_last_page(six: dict[str, Any], reader: Any, client: Client) -> None:
    page = page_of(Filters.of(QueryDict("per_page=4&page=99")), reader)
    assert [item.number for item in page.object_list] == ["B", "A"]
    assert client.get(ADDRESS, {"page": "99"}).status_code == 200


@pytest.mark.req("B27")
def test_links_of_a_page_keep_all_that_was_asked(six: dict[str, Any], client: Client) -> None:
    asked = {"search": "valve", "sort": "item_number", "per_page": "2", "photos": "without", "from": "2020-01-01"}
    html = client.get(ADDRESS, asked | {"page": "2"}).content.decode()
    links = [parse_qs(urlsplit(href).query) for href in re.findall(r'href="(\?[^"]+)"', html.replace("&amp;", "&"))]
    assert len(links) >= 2
    assert all({name: link[name][0] for name in asked} == asked for link in links)


@pytest.mark.req("B28", "B29", "B30")
def test_pager_of_twenty_pages(reader: Any, client: Client) -> None:
    person = factories.user("crew")
    rows = [WorkItem(number=f"N{n:02d}", description="d", submitter_name="x", submitter=person) for n in range(40)]
    WorkItem.objects.bulk_create(rows)
    StatusTotal.objects.rebuild()

    def pager(page: int) -> tuple[str, str]:
        html = client.get(ADDRESS, {"per_page": "2", "page": page, "sort": "item_number"}).content.decode()
        nav = html[html.index('<nav class="pager"') :].partition("</nav>")[0]
        words = re.sub(
            r"<[^>]+>", " ", re.sub(r'aria-current="page">', ">*", re.sub(r'aria-disabled="true">', ">-", nav))
        )
        told, _, labels = " ".join(words.split()).partition(" work items ")
        return told, labels

    assert pager(1) == ("Showing 1 to 2 of 40", "-Previous *1 2 3 … 20 Next")
    assert pager(10) == ("Showing 19 to 20 of 40", "Previous 1 … 8 9 *10 11 12 … 20 Next")
    assert pager(20) == ("Showing 39 to 40 of 40", "Previous 1 … 18 19 *20 -Next")


@pytest.mark.req("B29", "B30")
def test_one_page_has_no_numbers_and_none_says_what_to_do(reader: Any, client: Client) -> None:
    empty = client.get(ADDRESS).content.decode()
    assert "No work items yet" in empty
    assert 'class="pager"' not in empty
    factories.item()
    one = client.get(ADDRESS).content.decode()
    assert "Showing 1 of 1 work item\n" in one
    assert 'aria-current="page">1<' not in one
    assert "No work item matches" in client.get(ADDRESS, {"search": "nowhere"}).content.decode()


@pytest.mark.req("B3", "B20", "B40")
def test_queries_do_not_grow_with_items_and_photos_multiply_no_row(
    reader: Any, django_assert_max_num_queries: Any
) -> None:
    person = factories.user("crew")
    for _ in range(30):
        factories.item(person, photos=6)
    reader.get_all_permissions()
    for per_page in (25, 100):
        with django_assert_max_num_queries(3):
            cards = cards_of(page_of(Filters.of(QueryDict(f"per_page={per_page}")), reader).object_list)
        assert len(cards) == min(per_page, 30)
        assert all((card["tiles"].count("<li>"), card["more"]) == (4, 2) for card in cards)


NARROWED = (
    "",
    "status=all",
    "status=submitted",
    "search=valve",
    "photos=with&location=Depot&sort=submitter",
    "sort=date_asc",
)


@pytest.mark.req("B21")
@pytest.mark.parametrize("query", NARROWED)
def test_filters_searches_and_orders_cost_the_same_however_many_items_a_page_has(query: str, reader: Any) -> None:
    person = factories.user("crew")
    for _ in range(8):
        factories.item(person, photos=1, location="Depot", description="Valve")
    reader.get_all_permissions()
    asked = []
    for size in (2, 8):
        filters = Filters.of(QueryDict(f"{query}&per_page={size}"))
        with CaptureQueriesContext(connection) as ran:
            cards = cards_of(page_of(filters, reader).object_list, search.words_of(filters.search))
        assert ["<img" in card["tiles"] or "tile-instead" in card["tiles"] for card in cards] == [True] * size
        asked.append(len(ran))
    assert asked[0] == asked[1]


@pytest.mark.req("B2", "B93", "B113")
def test_every_item_of_a_thousand_stands_on_one_page(reader: Any) -> None:
    list(seed_items(1, 1_010, rows=5_000))
    found, after = [], ""
    for number in range(1, 12):
        query = QueryDict(f"per_page=100&sort=submitter&page={number}&after={after}")
        page = page_of(Filters.of(query), reader)
        assert page.total == 1_010
        found += [item.number for item in page.object_list]
        after = page.next_after
    assert after == ""
    assert sorted(found) == sorted(WorkItem.objects.values_list("number", flat=True))


@pytest.mark.req("B2")
@pytest.mark.timed
def test_a_page_of_a_thousand_items_takes_less_than_two_seconds(reader: Any, client: Client) -> None:
    list(seed_items(1, 1_010, rows=5_000))
    for _ in ("cold", "warm"):
        started = perf_counter()
        assert client.get(ADDRESS, {"per_page": "100", "page": "5", "sort": "submitter"}).status_code == 200
        assert perf_counter() - started < 2


def test_file_holds_all_pages_in_their_order_and_no_formula_runs(
    six: dict[str, Any], reader: Any, client: Client
) -> None:
    WorkItem.objects.filter(number="D").update(description="=HYPERLINK(1)")
    answer = client.get(f"{ADDRESS}export.csv", {"per_page": "1", "location": "Roof", "sort": "item_number"})
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert [line.split(",")[0] for line in lines] == ["Number", "A", "D"]
    assert "'=HYPERLINK(1)" in lines[2]
    assert "In Review by dana" in lines[2]
    assert [item.number for item in all_of(Filters.of(QueryDict("location=Roof")), reader)] == ["D", "A"]
