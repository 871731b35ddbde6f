"""The reviewers' pages: the queue, decisions, claims and lost races as people see them."""

from __future__ import annotations

import re

import pytest

from tests.workitems.conftest import draft
from tests.workitems.test_item_page import browser, photo
from workitems import bulk
from workitems.claims import claim, release
from workitems.deciding import Act, Outcome, Wanted
from workitems.editing import edit
from workitems.models import Comment, Photo, WorkItem
from workitems.workflow import Status, move, submit

pytestmark = pytest.mark.django_db
QUEUE = "/workitems/review/"


def post(user, item, act, **data):
    """Send a form of the item's page; the answer and what it says."""
    answer = browser(user).post(f"/workitems/{item.number}/{act}/", data, follow=True)
    return answer, answer.content.decode()


def fresh(item):
    return WorkItem.objects.get(pk=item.pk)


def test_the_queue_shows_the_oldest_first_beside_the_next_that_nobody_has_open(mark, dana, alex):
    first, second = submit(draft(), mark), submit(draft(description="Pump leaks"), mark)
    photo(first)
    claim(first, alex)
    page = browser(dana).get(QUEUE)
    text = page.content.decode()
    assert [row.number for row in page.context["rows"].object_list] == [first.number, second.number]
    assert page.context["page"].item == second
    assert "Alex has it open" in text
    assert "Pump leaks" in text
    chosen = browser(dana).get(QUEUE, {"item": first.number})
    assert "Take over" in chosen.content.decode()
    assert (chosen.context["before"], chosen.context["behind"]) == (None, second)
    assert "Nothing here to review" in browser(dana).get(QUEUE, {"state": "needs_revision"}).content.decode()


def test_a_decision_leads_to_the_next_item_and_its_message_takes_it_back(mark, dana):
    first, second = submit(draft(), mark), submit(draft(), mark)
    answer, text = post(dana, first, "status", version=1, status="completed_review", queue="submitted")
    assert answer.redirect_chain[-1][0] == f"{QUEUE}?state=submitted&item={second.number}"
    undo = re.search(r'action="(/workitems/review/decisions/\d+/undo/)" class="undo"', text)
    assert undo
    told = browser(dana).post(undo[1], follow=True).content.decode()
    assert "1 item is again what it was before." in told
    assert fresh(first).status == Status.SUBMITTED


def test_a_lost_race_shows_what_changed_and_keeps_what_was_written(item, mark, dana, alex):
    move(item, Status.IN_REVIEW, by=dana, version=1)
    edit(item, {"detail": "The aft seal"}, by=alex, version=2)
    answer, text = post(dana, item, "status", version=2, status="needs_revision", reason="Which seal, please?")
    assert answer.status_code == 409
    for words in ("Someone else changed this item meanwhile", "Alex changed detail", "The aft seal"):
        assert words in text
    assert "Which seal, please?</textarea>" in text
    assert fresh(item).status == Status.IN_REVIEW


def test_a_reason_is_ticked_written_or_both_and_never_left_out(item, mark, dana):
    answer, text = post(dana, item, "status", version=1, status="needs_revision", reason=" ")
    assert (answer.status_code, "Give a reason" in text) == (422, True)
    post(dana, item, "status", version=1, status="needs_revision", canned=["Say where."], reason="And which.")
    assert fresh(item).revision_notes == "Say where.\nAnd which."
    assert "Say where." in browser(mark).get(f"/workitems/{item.number}/").content.decode()


def test_an_open_item_is_renewed_by_script_and_lost_to_who_takes_it_over(item, dana, alex):
    address, script = f"/workitems/{item.number}/claim/", {"accept": "application/json"}
    assert browser(dana).post(address, headers=script).json()["version"] == 1
    refused = browser(alex).post(address, headers=script)
    assert (refused.status_code, "Dana has" in refused.json()["error"]) == (409, True)
    assert browser(alex).post(address, {"instead_of": dana.pk}).status_code == 302
    assert browser(dana).post(address, headers=script).status_code == 409
    answer, text = post(dana, item, "status", version=1, status="completed_review")
    assert (answer.status_code, "Alex has" in text, fresh(item).version) == (409, True, 1)
    browser(alex).post(address, {"release": "1"}, headers=script)
    assert fresh(item).claimed_by is None


def test_a_step_waits_for_whoever_has_the_item_open(item, mark, dana, alex):
    claim(item, dana)
    answer, page = post(alex, item, "status", version=1, status="in_review")
    assert (answer.status_code, "Dana has" in page, fresh(item).status) == (409, True, Status.SUBMITTED)
    _, page = post(alex, item, "status", version=1, status="needs_revision", canned="Too dark", reason="Which?")
    assert "What you wrote is kept below" in page
    assert "<blockquote>Too dark<br>Which?</blockquote>" in page  # there is no form to write it in meanwhile
    release(item, dana)
    _, page = post(alex, item, "status", version=9, status="needs_revision", canned="Too dark", reason="Which?")
    assert ">Too dark\nWhich?</textarea>" in page


def test_a_verdict_is_stored_and_the_second_of_two_reads_the_first(item, dana, alex):
    seen = photo(item)
    address = f"/workitems/photos/{seen.pk}/verdict/"
    kept = browser(dana).post(address, {"verdict": "retake", "reason": "blurred", "seen": ""})
    assert kept["Location"].endswith(f"/workitems/{item.number}/#photo-{seen.pk}")
    lost = browser(alex).post(address, {"verdict": "accepted", "seen": ""})
    assert (lost.status_code, "Dana judged this photo meanwhile" in lost.content.decode()) == (409, True)
    page = browser(dana).get(f"/workitems/{item.number}/").content.decode()
    assert "Photo 1: blurred</textarea>" in page
    stored = Photo.objects.get()
    browser(dana).post(address, {"verdict": "", "seen": stored.verdict_at.isoformat()})
    assert Photo.objects.get().verdict == ""


def test_an_item_that_a_reviewer_has_open_is_assigned_by_nobody_else(item, dana, alex, art):
    claim(item, dana)
    answer, page = post(alex, item, "assign", version=1, assigned_to=art.pk)
    assert (answer.status_code, f"Dana has {item.number} open until" in page) == (409, True)
    assert (fresh(item).version, "assigned-to" in page, "Take over" in page) == (1, False, True)
    answer, page = post(dana, item, "assign", version=1, assigned_to=art.pk)
    assert (answer.status_code, fresh(item).assigned_to) == (200, art)


def test_comments_notes_and_people_are_stored_where_each_may(item, mark, art, dana, alex):
    assert "The aft one." in post(mark, item, "comments", text="The aft one.")[1]
    assert post(art, item, "comments", text="Not mine")[0].status_code == 403
    post(dana, item, "notes", version=1, internal_notes="Yard is late")
    assert post(mark, item, "notes", version=2, internal_notes="x")[0].status_code == 403
    answer, text = post(alex, item, "notes", version=1, internal_notes="Yard is early")
    assert (answer.status_code, "Yard is early</textarea>" in text) == (409, True)
    assert post(dana, item, "assign", version=2, assigned_to=art.pk)[0].status_code == 200
    assert post(dana, item, "assign", version=3, assigned_to="999999")[0].status_code == 422
    post(dana, item, "status", version=3, status="in_review")
    post(dana, item, "status", version=4, status="in_review", reviewer=alex.pk)
    stored = fresh(item)
    assert (stored.internal_notes, stored.assigned_to, stored.reviewer) == ("Yard is late", art, alex)
    assert Comment.objects.count() == 1


def test_nobody_judges_photos_of_what_another_has_open(item, dana, alex):
    claim(item, alex)
    seen = photo(item)
    answer = browser(dana).post(f"/workitems/photos/{seen.pk}/verdict/", {"verdict": "accepted", "seen": ""})
    assert (answer.status_code, f"Alex has {item.number} open" in answer.content.decode()) == (409, True)
    assert Photo.objects.get().verdict == ""


@pytest.mark.parametrize(("module", "address"), [("review", "?state=submitted&page=2"), ("bin", "?page=2")])
def test_the_page_one_is_on_is_said(mark, boss, monkeypatch, module, address):
    for _ in range(3):
        submit(draft(), mark)
    if module == "bin":
        WorkItem.objects.move_to_bin(boss)
    monkeypatch.setattr(f"workitems.{module}_views.PER_PAGE", 1)
    html = browser(boss).get(f"/workitems/{module}/{address}").content.decode()
    pager = html[html.index('<nav class="pager"') :]
    assert '<span aria-current="page">2</span>' in pager
    assert 'rel="next"' in pager


@pytest.mark.parametrize(
    ("act", "number", "said"),
    [
        (Act.AWAIT_PHOTOS, 1, "1 item awaits photos."),
        (Act.AWAIT_PHOTOS, 2, "2 items await photos."),
        (Act.SEND_BACK, 2, "2 items sent back."),
    ],
)
def test_what_came_of_a_decision_about_many_is_a_sentence(act, number, said):
    assert bulk.told(Outcome(done=["A"] * number), Wanted(act)) == said


def test_only_an_administrator_reopens_and_says_why(item, dana, boss):
    post(dana, item, "status", version=1, status="completed_review")
    assert "Reopen" not in browser(dana).get(f"/workitems/{item.number}/").content.decode()
    assert post(dana, item, "status", version=3, status="submitted", reason="Again")[0].status_code == 403
    assert "Reopen" in browser(boss).get(f"/workitems/{item.number}/").content.decode()
    post(boss, item, "status", version=3, status="submitted", reason="The wrong valve")
    assert item.status_changes.latest("pk").reason == "The wrong valve"


def test_many_are_previewed_line_by_line_then_decided_then_taken_back(mark, dana, alex):
    free, held = submit(draft(), mark), submit(draft(), mark)
    claim(held, alex)
    tickets = [f"{free.pk}-1", f"{held.pk}-1", "junk"]
    preview = browser(dana).post(f"{QUEUE}bulk/", {"act": "needs_revision", "item": tickets}).content.decode()
    assert "Submitted → In Review by Dana → Needs Revision" in preview
    assert f"Stays: Alex has {held.number} open" in preview
    assert f'value="{held.pk}-' not in preview
    unsaid = browser(dana).post(f"{QUEUE}bulk/", {"act": "needs_revision", "item": tickets, "sure": "1"})
    assert (unsaid.status_code, fresh(free).version) == (422, 1)
    said = {"act": "needs_revision", "item": tickets, "sure": "1", "reason": "Which?"}
    told = browser(dana).post(f"{QUEUE}bulk/", said, follow=True).content.decode()
    assert "1 item sent back." in told
    assert f"{held.number} stayed as it was." in told
    assert fresh(free).revision_notes == "Which?"
    assert "Undo: sent back" in told
    for wrong in ({"act": "complete"}, {"act": "junk", "item": tickets}):
        assert browser(dana).post(f"{QUEUE}bulk/", wrong).status_code == 302


def test_an_item_is_deleted_had_back_and_destroyed_by_its_number(item, dana, boss):
    assert post(dana, item, "delete", version=1)[0].status_code == 403
    assert post(boss, item, "delete", version=9)[0].status_code == 409
    assert f'action="/workitems/{item.number}/restore/" class="undo"' in post(boss, item, "delete", version=1)[1]
    assert item.number not in browser(boss).get(QUEUE, {"state": "submitted"}).content.decode()
    assert "is back." in post(boss, item, "restore")[1]
    post(boss, item, "delete", version=3)
    page = browser(boss).get("/workitems/bin/").content.decode()
    counted = re.search(r'name="counted" value="([^"]+)"', page)[1]
    assert "Nothing was deleted" in post(boss, item, "destroy", typed="yes", counted=counted)[1]
    assert "changed since you looked" in post(boss, item, "destroy", typed=item.number, counted="1 photo")[1]
    assert "gone for good" in post(boss, item, "destroy", typed=item.number, counted=counted)[1]
    assert not WorkItem.objects.exists()


def test_the_bin_and_the_queue_cost_the_same_whatever_is_in_them(mark, boss, django_assert_max_num_queries):
    items = [submit(draft(), mark) for _ in range(12)]
    for one in items:
        photo(one)
    client = browser(boss)
    client.get(QUEUE)
    with django_assert_max_num_queries(21):
        client.get(QUEUE)
    WorkItem.objects.all().move_to_bin(boss)
    with django_assert_max_num_queries(11):
        client.get("/workitems/bin/")


def test_who_has_an_item_and_may_work_no_more_stays_chosen_until_it_is_changed(item, mark, dana):
    mark.is_active = False
    mark.save()
    page = browser(dana).get(f"/workitems/{item.number}/").text
    assert f'<option value="{mark.pk}" selected>Mark (as now)</option>' in page
    post(dana, item, "assign", version=1, assigned_to=dana.pk)
    post(dana, item, "assign", version=2, assigned_to=dana.pk)  # again: nothing to store, nobody to tell
    assert (fresh(item).assigned_to, fresh(item).version) == (dana, 2)
