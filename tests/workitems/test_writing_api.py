"""Creating and changing items as JSON."""

from __future__ import annotations

import pytest

from tests.workitems.conftest import draft
from workitems.editing import edit
from workitems.models import WorkItem
from workitems.workflow import Status, move, submit

pytestmark = pytest.mark.django_db

WORDS = {"location": "Engine room", "description": "Valve leaks", "detail": "Replace\r\nthe seal"}
JSON = "application/json"


@pytest.fixture
def crew(client, mark):
    """Mark's browser."""
    client.force_login(mark)
    return client


def test_a_created_item_answers_with_its_number_and_version_and_once_per_key(crew):
    answers = [crew.post("/api/workitems", WORDS | {"key": "k1"}, JSON) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    told = answers[1].json()
    assert (told["number"], told["version"], told["status"], told["photos"]) == ("DRAFT_0020", 1, "submitted", [])
    assert WorkItem.objects.get().detail == "Replace\nthe seal"


def test_a_taken_number_is_409_with_the_item_that_is_there(crew, art):
    submit(draft(number="0101"), art)
    answer = crew.post("/api/workitems", WORDS | {"number": "0101"}, JSON)
    assert (answer.status_code, answer.json()["current"]["number"]) == (409, "0101")
    assert WorkItem.objects.count() == 1
    WorkItem.objects.all().move_to_bin(art)
    assert crew.post("/api/workitems", WORDS | {"number": "0101"}, JSON).json()["current"] is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"number": "new"}, "number"),
        ({"number": "a b"}, "number"),
        ({"description": "x" * 201}, "description"),
        ({"location": " "}, "location"),
        ({"detail": "a\0b"}, "detail"),
        ({"status": "completed_review"}, "status"),
    ],
)
def test_what_cannot_be_stored_is_told_by_field(crew, wrong, field):
    answer = crew.post("/api/workitems", WORDS | wrong, JSON)
    assert (answer.status_code, [*answer.json()["fields"]]) == (400, [field])
    assert not WorkItem.objects.exists()


def test_a_change_sets_what_it_names_against_the_version_it_names(crew, item):
    answer = crew.patch(f"/api/workitems/{item.number}", {"detail": "New", "version": 1}, JSON)
    told = answer.json()
    assert (answer.status_code, told["detail"], told["version"], told["description"]) == (200, "New", 2, "Valve leaks")


def test_a_lost_race_is_409_with_the_item_now_and_who_changed_what(crew, item, dana):
    edit(item, {"detail": "Dana's", "internal_notes": "Yard is late"}, by=dana, version=1)
    answer = crew.patch(f"/api/workitems/{item.number}", {"detail": "Mine", "version": 1}, JSON)
    told = answer.json()
    [changed] = told["changed"]
    assert (answer.status_code, told["current"]["version"], told["current"]["detail"]) == (409, 2, "Dana's")
    assert (changed["field"], changed["before"], changed["after"], changed["by"]) == (
        "detail", "Replace the seal", "Dana's", "Dana",
    )  # fmt: skip


def test_a_change_behind_notes_that_one_may_not_read_is_stored(crew, item, dana):
    edit(item, {"internal_notes": "Yard is late"}, by=dana, version=1)
    answer = crew.patch(f"/api/workitems/{item.number}", {"detail": "Mine", "version": 1}, JSON)
    assert (answer.status_code, answer.json()["version"]) == (200, 3)


def test_a_reviewer_may_renumber_but_not_onto_another_item(client, item, dana, art):
    submit(draft(number="0101"), art)
    client.force_login(dana)
    taken = client.patch(f"/api/workitems/{item.number}", {"number": "0101", "version": 1}, JSON)
    assert (taken.status_code, taken.json()["current"]["number"]) == (409, "0101")
    moved = client.patch(f"/api/workitems/{item.number}", {"number": "0102", "version": 1}, JSON)
    assert (moved.status_code, moved.json()["number"]) == (200, "0102")


def test_crew_change_no_number_and_nothing_in_review(crew, item, dana):
    path = f"/api/workitems/{item.number}"
    assert crew.patch(path, {"location": "Deck 2", "version": 1}, JSON).status_code == 403
    move(item, Status.IN_REVIEW, by=dana, version=1)
    assert crew.patch(path, {"version": 2}, JSON).status_code == 403
    assert WorkItem.objects.get().location == "Engine room"
