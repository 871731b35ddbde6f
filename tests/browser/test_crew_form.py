"""The crew's form on a phone of 320 px: drafts, a lost connection, photos that the item waits for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import PHONE, overflow
from tests.workitems.photo_files import photo_file, picture
from workitems import photos
from workitems.models import Photo, WorkItem
from workitems.workflow import Status, move, submit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WORDS = {"Location": "Engine room", "Description": "Valve leaks", "Detail": "Replace the seal"}


def jpeg(name: str, shade: int) -> dict[str, Any]:
    return {"name": name, "mimeType": "image/jpeg", "buffer": picture(320, 240, shade=shade)}


def write(page: Any) -> None:
    for label, words in WORDS.items():
        page.get_by_label(label, exact=True).fill(words)


def test_words_and_photos_outlive_a_reload_and_a_lost_connection_and_are_one_item(open_page):
    page = open_page(PHONE, factories.user("crew", first_name="Mark"))
    page.provoked += ["net::ERR", "Failed to load"]
    page.goto("/workitems/new/")
    page.wait_for_load_state("networkidle")
    write(page)
    page.locator("input[type=file]").first.scroll_into_view_if_needed()
    page.locator("input[type=file][multiple]").set_input_files([jpeg("a.jpg", 10), jpeg("b.jpg", 200)])
    page.get_by_text("Kept on this device").nth(1).wait_for()
    page.get_by_label("Caption of a.jpg").fill("Tag plate")
    page.wait_for_timeout(500)  # what is written is kept when the hand rests
    page.reload()
    page.get_by_text("it is not sent yet").wait_for()
    assert page.get_by_label("Detail", exact=True).input_value() == "Replace the seal"
    assert overflow(page) <= 0
    page.context.set_offline(True)
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text("No connection. What you wrote").wait_for()
    assert not WorkItem.objects.exists()
    page.context.set_offline(False)
    page.wait_for_url("**/receipt/")
    page.get_by_text("Stored, complete").wait_for()
    item = WorkItem.objects.get()
    assert (item.photo_count, item.photos_due, item.location) == (2, 0, "Engine room")
    assert [*item.photos.in_order().values_list("caption", flat=True)] == ["Tag plate", ""]
    assert page.locator("code").count() == 2
    page.goto("/workitems/new/")
    page.wait_for_load_state("networkidle")
    assert page.get_by_label("Detail", exact=True).input_value() == ""


@pytest.mark.parametrize("scripts", [True, False])
def test_a_form_that_comes_back_says_first_what_is_wrong_and_leads_there(open_page, scripts):
    page = open_page(PHONE, factories.user("crew"), java_script_enabled=scripts)
    page.provoked += ["422"]
    page.goto("/workitems/new/")
    write(page)
    page.get_by_label("Location", exact=True).fill(" ")
    page.get_by_role("button", name="Send", exact=True).click()
    said = page.get_by_role("alert").filter(has_text="Not sent yet")
    expect(said).to_be_focused()
    expect(said).to_be_in_viewport()
    assert page.get_by_label("Detail", exact=True).input_value() == WORDS["Detail"]
    assert overflow(page) <= 0
    said.get_by_role("link", name="Location").click()
    expect(page.get_by_label("Location", exact=True)).to_be_focused()


def test_an_item_goes_back_to_its_reviewer_with_all_its_photos(open_page):
    mark, dana = factories.user("crew", first_name="Mark"), factories.user("reviewer", first_name="Dana")
    item = submit(WorkItem(location="Engine room", description="Valve leaks", detail="Replace the seal"), mark)
    old = [photos.add(item, photo_file(shade), by=mark, caption=f"No {shade}") for shade in (1, 2)]
    move(item, Status.IN_REVIEW, by=dana, version=1)
    move(
        item, Status.NEEDS_REVISION, by=dana, version=2, reason="Photo 2 is blurred, please retake with the tag plate."
    )
    Photo.objects.filter(pk=old[1].pk).update(verdict=Photo.Verdict.RETAKE)
    page = open_page(PHONE, mark)
    page.goto(f"/workitems/{item.number}/edit/")
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Photo 1 later").click()
    page.locator(f"input[name=retake-{old[1].pk}]").set_input_files([jpeg("tag.jpg", 90)])
    page.get_by_role("button", name=re.compile("^Send again")).click()
    page.wait_for_url("**/receipt/")
    item.refresh_from_db()
    assert (item.status, item.revision_notes, item.photo_count) == ("submitted", "", 2)
    assert [photo.replaces_id for photo in item.photos.present().in_order()] == [old[1].pk, None]
