"""The page of the list: kept for a minute, never somebody else's, never older than the last write."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from perf import clock, reading, storing
from perf.families import families
from tests import factories
from workitems import cache, editing, list_views, photos
from workitems.around import around
from workitems.models import Comment, StatusTotal, WorkItem
from workitems.seeding import seed_items
from workitems.workflow import Status, move, submit

pytestmark = pytest.mark.django_db
ADDRESS = "/workitems/"
Committing = Callable[..., Any]


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Committing) -> Committing:
    """What forgetting waits for happens when such a block ends."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def signed_in(role: str, committed: Committing, **fields: Any) -> tuple[Client, Any]:
    with committed():
        client, person = Client(), factories.user(role, password="!", **fields)
        client.force_login(person)
    return client, person


@pytest.mark.req("B37", "B94")
def test_page_is_kept_apart_for_each_query_and_role(committed: Committing) -> None:
    with committed():
        factories.item(description="Seen by all")
    reviewer, _ = signed_in("reviewer", committed)
    other, _ = signed_in("reviewer", committed)
    crew, _ = signed_in("crew", committed)

    def state(client: Client, query: str = "") -> str:
        return str(client.get(ADDRESS + query)["X-Cache"])

    assert [state(reviewer), state(reviewer), state(other)] == ["MISS", "HIT", "HIT"]
    assert [state(crew), state(crew)] == ["MISS", "HIT"]
    assert [state(reviewer, "?sort=date_asc"), state(reviewer, "?sort=date_asc&page=1")] == ["MISS", "HIT"]
    assert [state(reviewer, "?assigned_to=me"), state(other, "?assigned_to=me")] == ["MISS", "MISS"]
    storing.keep()
    assert {one.family: one.hits for one in families(reading.window("1h"))}["workitems"] >= 4
    with clock.shifted(timedelta(seconds=55)):
        assert state(crew) == "HIT"
    with clock.shifted(timedelta(seconds=61)):
        assert state(crew) == "MISS"


@pytest.mark.parametrize("address", [ADDRESS, "/api/workitems"])
def test_me_is_nobody_else_however_it_is_spelled(address: str, committed: Committing) -> None:
    one, person = signed_in("crew", committed)
    other, _ = signed_in("crew", committed)
    with committed():
        item = factories.item()
        WorkItem.objects.filter(pk=item.pk).update(assigned_to=person)
    for spelled in ("me", "me%20", "+me", "%00me", "nobody&assigned_to=me"):
        query = f"{address}?assigned_to={spelled}"
        said = [item.number.encode() in client.get(query).content for client in (one, other)]
        assert said == [True, False], spelled


@pytest.mark.req("B37")
def test_nothing_of_one_person_is_in_what_is_kept(committed: Committing) -> None:
    with committed():
        factories.item()
    one, _ = signed_in("reviewer", committed)
    two, _ = signed_in("reviewer", committed)
    first, second = (client.get(ADDRESS).content.decode() for client in (one, two))
    tokens = [re.findall(r'csrfmiddlewaretoken" value="(\w+)"', html) for html in (first, second)]
    assert tokens[0]
    assert not set(tokens[0]) & set(tokens[1])
    kept = first[first.index('<section id="list"') : first.index("</section>")]
    assert kept in second
    assert "csrf" not in kept


@pytest.mark.req("B38", "B39")
def test_every_kind_of_change_shows_at_once(committed: Committing) -> None:
    with committed():
        item = factories.item(number="A-1")
        boss = factories.user("admin", password="!")
    client, dana = signed_in("reviewer", committed, first_name="Dana")
    crew = item.submitter

    def html() -> str:
        with committed():  # the first page stores the session, a write of its own
            text = client.get(ADDRESS).content.decode()
        return " ".join(re.sub(r"<[^>]+>", " ", text[text.index('<dl class="figures') :]).split())

    def after(act: Callable[[], Any]) -> str:
        html()
        assert client.get(ADDRESS)["X-Cache"] == "HIT"  # else every act would show, forgotten or not
        with committed():
            act()
        item.refresh_from_db()
        return html()

    assert "Submitted 1 In review 0" in html()
    seen = after(lambda: move(item, Status.IN_REVIEW, by=dana, version=item.version))
    assert "In Review by Dana" in seen
    assert "Submitted 0 In review 1" in seen
    assert "Loose bolt" in after(
        lambda: editing.edit(item, {"description": "Loose bolt"}, by=dana, version=item.version)
    )
    assert "with Dana" in after(lambda: editing.assign(item, dana, by=dana, version=item.version))
    back = after(lambda: move(item, Status.NEEDS_REVISION, by=dana, version=item.version, reason="Where?"))
    assert "Needs Revision" in back
    again = after(lambda: editing.send_again(item, {"detail": "On deck"}, by=crew, version=item.version))
    assert "Submitted 1 In review 0" in again
    with committed():
        picture = factories.photo(item)
    after(lambda: photos.set_caption(picture, "Tag plate", by=dana))
    assert 'alt="Tag plate"' in client.get(ADDRESS).content.decode()
    after(lambda: photos.remove(picture, by=dana))
    assert "Tag plate" not in client.get(ADDRESS).content.decode()
    assert "A-2" in after(lambda: submit(WorkItem(number="A-2", location="x", description="y", detail="z"), crew))
    gone = after(lambda: WorkItem.objects.filter(number="A-2").move_to_bin(boss))
    assert "A-2" not in gone
    assert "All items 1 " in gone


@pytest.mark.req("B39")
def test_numbers_count_every_reviewer_and_cost_no_query_when_kept(committed: Committing) -> None:
    with committed():
        dana, alex = (factories.user("reviewer", password="!") for _ in range(2))
        items = [factories.item() for _ in range(4)]
        for item, reviewer in ((items[0], dana), (items[1], alex), (items[2], alex)):
            move(item, Status.IN_REVIEW, by=reviewer, version=item.version)
            item.refresh_from_db()
        move(items[2], Status.COMPLETED_REVIEW, by=alex, version=items[2].version)
    found = around()
    assert (found.total, found.submitted, found.in_review, found.completed) == (4, 1, 2, 1)
    with CaptureQueriesContext(connection) as asked:
        assert around().in_review == 2
        with clock.shifted(timedelta(seconds=290)):
            assert around().in_review == 2
    assert [query["sql"] for query in asked] == []
    with CaptureQueriesContext(connection) as asked, clock.shifted(timedelta(seconds=301)):
        assert around().in_review == 2
    assert len(asked) == 1


@pytest.mark.req("B4")
def test_keeping_pages_saves_more_than_half_of_the_queries(committed: Committing, settings: Any) -> None:
    with committed():
        list(seed_items(1, 120, rows=5_000))
    visits = ["", "?status=submitted", "?sort=item_number", "", "?page=2", "?status=submitted", "?search=valve", ""] * 2

    def queries() -> int:
        client, _ = signed_in("reviewer", committed)
        with CaptureQueriesContext(connection) as asked:
            for visit in visits:
                assert client.get(ADDRESS + visit).status_code == 200
        return len([query for query in asked if "workitems_" in query["sql"]])

    cached = queries()
    with committed():
        WorkItem.objects.first().save()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(list_views, "WORKITEMS", replace(cache.WORKITEMS, timeout=0))
        patch.setattr("workitems.around.STATS", replace(cache.STATS, timeout=0))
        uncached = queries()
    assert cached <= uncached / 2, (cached, uncached)


def test_choices_are_what_items_have_and_none_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = factories.user("crew", first_name="Mark")
    for place in ("Roof", "engine room", "Roof", "Yard 2"):
        factories.item(mark, location=place)
    WorkItem.objects.filter(location="Yard 2").move_to_bin(factories.user("admin"))
    found = around()
    assert (found.locations, found.submitters, found.assignees) == (["engine room", "Roof"], ["Mark"], ["Mark"])


def test_counts_are_right_again_after_a_rebuild() -> None:
    factories.item()
    StatusTotal.objects.update(items=7)
    StatusTotal.objects.rebuild()
    assert dict(StatusTotal.objects.exclude(items=0).values_list("status", "items")) == {"submitted": 1}


def test_comment_is_counted_on_its_card(committed: Committing) -> None:
    with committed():
        item = factories.item()
        Comment.objects.create(work_item=item, author_name="Mark", text="Seen again")
        WorkItem.objects.filter(pk=item.pk).recount()
    client, _ = signed_in("crew", committed)
    assert "1 comment" in client.get(ADDRESS).content.decode()
