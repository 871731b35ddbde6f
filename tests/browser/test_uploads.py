"""Photos from a phone over a bad link: kept on the device, sent in pieces, gone only when the server has them."""

from __future__ import annotations

import re

import pytest

from tests import factories
from tests.browser.conftest import PHONE, overflow
from tests.workitems.conftest import draft
from tests.workitems.photo_files import NO_PICTURE, picture
from workitems.models import Photo, Upload, WorkItem
from workitems.workflow import submit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def file(name, content):
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


def noisy(shade):
    """A photo of more than one piece: a picture and what cameras put behind it."""
    return picture(640, 480, shade=shade) + bytes([shade]) * 700_000


def test_photos_of_a_form_survive_a_reload_and_cuts_and_are_all_stored(open_page, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    page = open_page(PHONE, factories.user("crew", first_name="Mark"))
    page.provoked += ["/api/uploads", "net::ERR_"]
    page.goto("/workitems/new/")
    page.locator("input[type=file][multiple]").set_input_files(
        [file("pump.jpg", noisy(1)), file("plate.jpg", noisy(2))]
    )
    panel = page.get_by_label("Photos on this device")
    panel.get_by_label("Caption of pump.jpg").fill("Pump")
    page.reload()
    panel.get_by_text("plate.jpg").wait_for()
    assert panel.get_by_label("Caption of pump.jpg").input_value() == "Pump"
    assert overflow(page) <= 0
    panel.get_by_text("plate.jpg").locator("xpath=ancestor::li").get_by_role("button", name="Earlier").click()

    cuts = iter([True, False, True, False])
    page.route("**/api/uploads/*", lambda route: route.abort() if next(cuts, False) else route.continue_())
    for label, words in (("Location", "Pump house"), ("Description", "Valve leaks"), ("Detail", "Replace the seal")):
        page.get_by_label(re.compile(f"^{label}")).first.fill(words)
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/receipt/")
    page.get_by_text("All photos are stored.").wait_for(timeout=20_000)
    stored = WorkItem.objects.get().photos.in_order()
    assert [(photo.original_name, photo.caption) for photo in stored] == [("plate.jpg", ""), ("pump.jpg", "Pump")]
    assert [photo.original.open("rb").read() for photo in stored] == [noisy(2), noisy(1)]
    assert page.get_by_text(stored[0].sha256).is_visible()
    assert not list((tmp_path / "partial").iterdir())


def test_enter_twice_on_earlier_drops_no_photo(open_page):
    page = open_page(PHONE, factories.user("crew"))
    page.goto("/workitems/new/")
    page.locator("input[type=file][multiple]").set_input_files([file("a.jpg", picture()), file("b.jpg", picture(9, 9))])
    page.get_by_role("button", name="Earlier: b.jpg").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => !document.activeElement.matches('body, .earlier')")
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    assert page.locator(".upload strong").all_inner_texts() == ["b.jpg", "a.jpg"]


def test_how_much_is_sent_is_not_read_out_at_every_step(open_page):
    page = open_page(PHONE, factories.user("crew"))
    page.goto("/workitems/new/")
    page.locator("input[type=file][multiple]").set_input_files([file("a.jpg", picture())])
    tile = page.locator(".upload")
    told = {"key": tile.get_attribute("data-key"), "state": "sending", "sent": 1, "size": 4}
    page.evaluate("told => document.dispatchEvent(new CustomEvent('tidemark:upload', { detail: told }))", told)
    tile.get_by_text("25 % sent").wait_for()
    assert "%" not in tile.get_by_role("status").inner_text()


def test_a_refused_photo_says_why_and_a_caption_follows_the_stored_one(open_page, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    mark = factories.user("crew")
    page = open_page(PHONE, mark)
    item = submit(draft(), mark)
    page.goto(f"/workitems/{item.number}/edit/")
    page.locator("input[type=file][multiple]").set_input_files(
        [file("letter.jpg", NO_PICTURE), file("a.jpg", picture())]
    )
    panel = page.get_by_label("Photos on this device")
    panel.get_by_text("✓ Stored").wait_for()
    panel.get_by_label("Caption of a.jpg").fill("Seal")
    panel.get_by_label("Caption of a.jpg").blur()
    assert "It is kept on this device." in panel.get_by_text("Not stored").inner_text()
    page.locator("[data-photo][data-caption='Seal']").wait_for()
    assert Photo.objects.get().caption == "Seal"
    panel.get_by_role("button", name="Remove").click()
    page.wait_for_load_state("networkidle")
    assert [upload.state for upload in Upload.objects.order_by("state")] == ["given_up", "stored"]
    page.reload()
    page.wait_for_load_state("networkidle")
    assert not panel.is_visible()


def test_a_photo_that_is_not_taken_keeps_no_other_and_another_tab_takes_none_away(open_page, settings, tmp_path):
    settings.MEDIA_ROOT, settings.MAX_PHOTO_BYTES = tmp_path, 600_000
    page = open_page(PHONE, factories.user("crew"))
    page.goto("/workitems/new/")
    first, again, large = file("a.jpg", picture()), file("b.jpg", picture()), file("large.jpg", noisy(3))
    page.locator("input[type=file][multiple]").set_input_files([first, again, large, file("c.jpg", NO_PICTURE)])
    page.get_by_text("b.jpg is not taken: it is chosen already. large.jpg is not taken: it has").wait_for()
    for label, words in (("Location", "Pump house"), ("Description", "Valve leaks"), ("Detail", "Replace the seal")):
        page.get_by_label(label, exact=True).fill(words)
    key = page.locator("[name=key]").input_value()
    page.wait_for_function("key => JSON.stringify({ ...localStorage }).includes(key)", arg=key)
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_text("it is not sent yet").wait_for()
    other.locator(".upload").nth(1).wait_for()
    assert other.locator("[name=key]").input_value() == key
    other.get_by_role("button", name="Discard it").click()
    other.wait_for_function("key => document.querySelector('[name=key]')?.value !== key", arg=key)
    other.wait_for_load_state("networkidle")
    assert other.locator(".upload").count() == 0
    page.get_by_role("button", name="Send", exact=True).click()  # no message lies over it for good
    page.wait_for_url("**/receipt/")
    page.get_by_text("This is not a picture").wait_for()
    page.get_by_text("Stored, complete").wait_for()  # though a refused one waits on the device
    assert page.locator("code").count() == 1


def test_photos_kept_on_a_device_follow_an_item_that_got_another_number(open_page, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    mark = factories.user("crew")
    page = open_page(PHONE, mark)
    page.provoked += ["/api/uploads", "net::ERR_"]
    item = submit(draft(), mark)
    page.goto(f"/workitems/{item.number}/edit/")
    page.route("**/api/uploads", lambda route: route.abort())  # no connection
    page.locator("input[type=file][multiple]").set_input_files([file("a.jpg", picture())])
    page.get_by_label("Photos on this device").get_by_text("No connection").wait_for()
    WorkItem.objects.filter(pk=item.pk).update(number="W-7")
    submit(draft(number=item.number), mark)
    page.unroute("**/api/uploads")
    page.goto("/workitems/W-7/")
    page.get_by_text("All photos are stored.").wait_for()
    assert Photo.objects.get().work_item_id == item.pk


def test_without_web_locks_too_a_form_keeps_its_photos_as_long_as_it_is_open(open_page):
    page = open_page(PHONE, factories.user("crew"))
    page.context.add_init_script("delete Navigator.prototype.locks")
    page.goto("/workitems/new/")
    assert page.evaluate("navigator.locks === undefined")
    page.locator("input[type=file][multiple]").set_input_files([file("a.jpg", picture())])
    page.locator(".upload").wait_for()
    page.get_by_label("Location", exact=True).fill("Pump house")
    key = page.locator("[name=key]").input_value()
    page.wait_for_function("() => Object.keys(localStorage).some((slot) => slot.startsWith('tidemark.draft'))")
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("button", name="Discard it").click()
    other.wait_for_function("key => document.querySelector('[name=key]')?.value !== key", arg=key)
    other.wait_for_load_state("networkidle")
    assert other.locator(".upload").count() == 0
    page.close(run_before_unload=False)
    other.reload()
    other.locator(".upload").wait_for()  # of a form that nobody has open any more


def test_the_hash_made_by_hand_is_the_browsers_own(open_page):
    page = open_page()
    page.goto("/login/")
    differing = page.evaluate(
        """async () => {
          const { byHand } = await import("/static/tidemark/uploads/sha256.js");
          const wrong = [];
          for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 100_001]) {
            const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + length) % 256);
            const right = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
            if (byHand(bytes.buffer).some((byte, i) => byte !== right[i])) wrong.push(length);
          }
          return wrong;
        }"""
    )
    assert differing == []
