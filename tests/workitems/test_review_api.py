"""Reviewing through the API: the same rules, and a lost race that says what changed."""

from __future__ import annotations

import pytest

from tests.workitems.test_item_page import browser, photo
from workitems.claims import claim
from workitems.editing import edit
from workitems.models import Photo, WorkItem
from workitems.workflow import Status

pytestmark = pytest.mark.django_db


def ask(user, item, act="", method="post", **body):
    """Send JSON about an item; the status and the answer."""
    address = f"/api/workitems/{item.number}{act and f'/{act}'}"
    answer = getattr(browser(user), method)(address, body or None, content_type="application/json")
    return answer.status_code, answer.json()


def test_steps_follow_the_rules_and_a_lost_one_is_told_what_changed(item, mark, dana, alex):
    status, told = ask(dana, item, "status", status="completed_review", version=1)
    assert (status, "cannot become" in told["error"]) == (409, True)
    status, told = ask(dana, item, "status", status="in_review", version=1)
    assert (status, told["status_label"], told["version"]) == (200, "In Review by Dana", 2)
    edit(WorkItem.objects.get(), {"detail": "The aft seal", "internal_notes": "Late"}, by=alex, version=2)
    status, told = ask(dana, item, "status", status="needs_revision", reason="Which?", version=2)
    assert (status, told["current"]["version"]) == (409, 3)
    assert {(each["field"], each["by"]) for each in told["changed"]} == {("detail", "Alex"), ("internal_notes", "Alex")}
    assert ask(dana, item, "status", status="needs_revision", reason=" ", version=3)[0] == 409
    assert ask(mark, item, "status", status="completed_review", version=3)[0] == 403
    assert ask(dana, item, "status", status="in_review", reviewer="mark", version=3)[0] == 400
    assert ask(dana, item, "status", status="in_review", reviewer="alex", version=3)[1]["reviewer"] == "Alex"


def test_items_are_given_to_people_by_their_names(item, mark, art, dana):
    assert ask(dana, item, "assign", assigned_to="art", version=1)[1]["assigned_to"] == "Art"
    assert ask(dana, item, "assign", assigned_to="", version=1)[0] == 409
    assert ask(dana, item, "assign", assigned_to="nobody", version=2)[0] == 400
    assert ask(mark, item, "assign", assigned_to="mark", version=2)[0] == 403


def test_comments_and_history_are_read_without_internal_notes_by_the_crew(item, mark, dana):
    status, told = ask(mark, item, "comments", text="The aft one.\x00")
    assert (status, told["author"], told["text"], told["by_reviewer"]) == (201, "Mark", "The aft one.", False)
    edit(item, {"internal_notes": "The yard is late"}, by=dana, version=1)
    status, told = ask(mark, item, "timeline", "get")
    assert [(entry["kind"], entry["by"]) for entry in told] == [("comment", "Mark"), ("status", "Mark")]
    assert ask(dana, item, "timeline", "get")[1][0]["changes"][0]["after"] == "The yard is late"


def test_a_photo_is_judged_once_as_it_was_seen(item, mark, dana, alex):
    act = f"photos/{photo(item).pk}/verdict"
    assert ask(dana, item, act, verdict="retake")[0] == 400
    status, told = ask(dana, item, act, verdict="retake", reason="blurred")
    assert (status, told["verdict"], told["verdict_reason"]) == (200, "retake", "blurred")
    assert ask(alex, item, act, verdict="accepted")[0] == 409
    assert ask(alex, item, act, verdict="accepted", seen=told["verdict_at"])[0] == 200
    assert ask(mark, item, act, verdict="accepted")[0] == 403
    assert Photo.objects.get().verdict_by == alex


def test_a_photo_of_what_another_has_open_is_judged_once_it_is_taken_over(item, dana, alex):
    claim(item, alex)
    act = f"photos/{photo(item).pk}/verdict"
    assert ask(dana, item, act, verdict="accepted")[0] == 409
    assert ask(dana, item, act, verdict="accepted", take_over=True)[0] == 200
    item.refresh_from_db()
    assert item.claimed_by == dana


def test_deletion_is_soft_wants_the_version_and_is_taken_back(item, dana, boss):
    assert ask(dana, item, method="delete")[0] == 403
    assert browser(boss).delete(f"/api/workitems/{item.number}?version=9").status_code == 409
    assert browser(boss).delete(f"/api/workitems/{item.number}?version=1").status_code == 200
    assert ask(dana, item, "timeline", "get")[0] == 404
    status, told = ask(boss, item, "restore")
    assert (status, told["status"], told["version"]) == (200, Status.SUBMITTED, 3)


def test_who_has_an_item_open_is_respected_until_it_is_taken_over(item, dana, alex, events):
    claim(item, dana)
    status, told = ask(alex, item, "status", status="in_review", version=1)
    assert (status, "Dana has" in told["error"], told["current"]["version"]) == (409, True, 1)
    assert ask(alex, item, "status", status="in_review", version=1, take_over=True)[0] == 200
    assert [each[1] for each in events[-2:]] == ["workitems.take_over", "workitems.status"]
    assert ask(dana, item, "status", status="in_review", version=2)[0] == 200  # nobody has it open any more


def test_a_step_that_is_refused_takes_nothing_over(item, dana, alex):
    claim(item, dana)
    assert ask(alex, item, "status", status="completed_review", version=9, take_over=True)[0] == 409
    assert WorkItem.objects.get().claimed_by == dana


def test_an_item_that_a_reviewer_has_open_is_assigned_once_it_is_taken_over(item, dana, alex, art):
    claim(item, dana)
    status, told = ask(alex, item, "assign", assigned_to="art", version=1)
    assert (status, told["error"].startswith(f"Dana has {item.number} open until")) == (409, True)
    assert ask(alex, item, "assign", assigned_to="art", version=9, take_over=True)[0] == 409
    assert WorkItem.objects.get().claimed_by == dana  # what failed took nothing over
    status, told = ask(alex, item, "assign", assigned_to="art", version=1, take_over=True)
    assert (status, told["assigned_to"], WorkItem.objects.get().claimed_by) == (200, "Art", None)
