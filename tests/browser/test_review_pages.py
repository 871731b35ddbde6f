"""Two reviewers at their desks, a crew member on a phone: keys, claims, lost races, the lightbox."""

from __future__ import annotations

import re

import pytest

from perf.clock import now
from tests import factories
from tests.browser.conftest import PHONE, WIDE, too_wide
from workitems.models import Photo, WorkItem
from workitems.workflow import Status

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
QUEUE = "/workitems/review/"


@pytest.fixture
def people(transactional_db):
    """A reviewer, another one, a crew member."""
    return [factories.user(role, first_name=name) for role, name in
            (("reviewer", "Dana"), ("reviewer", "Alex"), ("crew", "Mark"))]  # fmt: skip


def test_two_reviewers_work_through_the_queue_by_keyboard(open_page, people):
    dana, alex, mark = people
    first, second, third = (factories.item(mark, description=f"Valve {n} leaks") for n in range(3))
    mine, theirs = open_page(WIDE, dana), open_page(WIDE, alex)
    with mine.expect_response("**/claim/"):
        mine.goto(QUEUE)
    assert mine.locator("#item-title").inner_text().startswith(first.number)
    with theirs.expect_response("**/claim/"):
        theirs.goto(QUEUE)  # is offered another
    assert theirs.locator("#item-title").inner_text().startswith(second.number)
    theirs.keyboard.press("k")
    theirs.get_by_text("Dana has this open").wait_for()
    assert theirs.locator("[data-key=a]").count() == 0

    mine.keyboard.press("r")
    reason = mine.get_by_label("What the crew should do").first
    reason.wait_for()
    mine.keyboard.type("Which valve, please?")
    mine.get_by_role("button", name="Send back: Needs Revision").click()
    mine.wait_for_url(re.compile(f"item={second.number}|item={third.number}"))
    stored = WorkItem.objects.get(pk=first.pk)
    assert (stored.status, stored.revision_notes) == (Status.NEEDS_REVISION, "Which valve, please?")
    mine.locator(".toast").get_by_role("button", name="Undo").click()
    mine.get_by_text("1 item is again what it was before.").wait_for()
    assert WorkItem.objects.get(pk=first.pk).status == Status.SUBMITTED


def test_the_second_of_two_reads_what_the_first_changed_and_keeps_their_words(open_page, people):
    dana, alex, mark = people
    item = factories.item(mark)
    mine = open_page(WIDE, dana)
    mine.goto(f"/workitems/{item.number}/")
    mine.get_by_label("Internal notes").fill("Ask the yard")
    item.refresh_from_db()
    WorkItem.objects.filter(pk=item.pk).update(claimed_by=None, claimed_until=None)
    theirs = open_page(WIDE, alex)
    theirs.goto(f"/workitems/{item.number}/")
    theirs.get_by_label("Internal notes").fill("The yard is late")
    theirs.get_by_role("button", name="Store the notes").click()
    theirs.get_by_text("The internal notes are stored.").wait_for()
    mine.provoked.append("409")
    mine.get_by_role("button", name="Store the notes").click()
    mine.get_by_role("alert").get_by_text("Alex changed internal notes").wait_for()
    assert mine.get_by_label("Internal notes").input_value() == "Ask the yard"
    crew = open_page(PHONE, mark)
    crew.goto(f"/workitems/{item.number}/")
    assert "yard" not in crew.content()


def test_photos_are_large_by_click_key_and_swipe_and_every_page_fits(open_page, people):
    dana, _, mark = people
    item = factories.item(mark, photos=3)
    Photo.objects.filter(work_item=item).update(verdict="retake", verdict_reason="blurred", verdict_at=now())
    page = open_page(WIDE, dana)
    page.route("**/workitems/photos/**", lambda route: route.fulfill(body=b"", content_type="image/jpeg"))
    page.goto(f"/workitems/{item.number}/")
    page.locator("[data-picture]").first.click()
    box = page.locator("dialog.lightbox")
    box.get_by_text("(1 of 3)").wait_for()
    page.keyboard.press("ArrowRight")
    box.get_by_text("(2 of 3)").wait_for()
    page.mouse.move(700, 300)
    page.mouse.down()
    page.mouse.move(500, 300)
    page.mouse.up()
    box.get_by_text("(3 of 3)").wait_for()
    page.keyboard.press("Escape")
    assert not box.is_visible()
    for path in (QUEUE, f"/workitems/{item.number}/"):
        page.goto(path)
        assert not too_wide(page), path


def test_enter_in_what_is_wrong_asks_for_a_retake(open_page, people):
    dana, _, mark = people
    item = factories.item(mark, photos=1)
    page = open_page(WIDE, dana)
    page.route(re.compile("/(thumb|picture)/$"), lambda route: route.fulfill(body=b"", content_type="image/jpeg"))
    page.goto(f"/workitems/{item.number}/")
    page.get_by_text("Retake…").click()
    page.get_by_label("What is wrong with photo 1").fill("It is blurred")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    judged = Photo.objects.get(work_item=item)
    assert (judged.verdict, judged.verdict_reason) == (Photo.Verdict.RETAKE, "It is blurred")
