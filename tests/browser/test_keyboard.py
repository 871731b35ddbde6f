"""The dashboard with nothing but a keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import WIDE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FOCUSED = """() => {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
  return {
    name: (element.getAttribute("aria-label") ?? element.textContent).trim().slice(0, 40),
    isShown: element.checkVisibility() && element.getBoundingClientRect().width > 0,
    isMarked: (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) || boxShadow !== "none",
  };
}"""
MOST_STOPS = 60


def stops(page, until):
    """What Tab comes by, up to the element that `until` selects."""
    found = []
    while not page.evaluate("selector => document.activeElement.matches(selector)", until):
        assert len(found) < MOST_STOPS, found
        page.keyboard.press("Tab")
        found.append(page.evaluate(FOCUSED))
    return found


def test_the_dashboard_is_used_with_the_keyboard_alone(open_page, editor, roster):
    page = open_page(WIDE, editor)
    page.goto("/")
    expect(page.get_by_role("listbox", name="Accounts").get_by_role("option").first).to_be_visible()
    (skip,) = stops(page, "a.skip")
    assert skip == {"name": "Skip to the content", "isShown": True, "isMarked": True}
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()

    passed = stops(page, "[role=listbox]")
    assert [stop for stop in passed if not (stop["isShown"] and stop["isMarked"])] == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#pane-title")).to_be_focused()
    assert "account=" in page.url

    before = page.evaluate(FOCUSED)["name"]
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate(FOCUSED)["name"] == before
    page.go_back()
    expect(page.locator("#pane-title")).to_have_count(0)


def test_work_items_are_sent_in_found_and_reviewed_with_the_keyboard_alone(open_page, transactional_db):
    mark, dana = factories.user("crew", first_name="Mark"), factories.user("reviewer", first_name="Dana")
    first, second = factories.item(mark, photos=1), factories.item(mark)
    crew = open_page(WIDE, mark)
    crew.goto("/workitems/new/")
    crew.wait_for_load_state("networkidle")
    passed = stops(crew, "[name=location]")
    crew.keyboard.type("Engine room")
    passed += stops(crew, "[name=description]")
    crew.keyboard.type("Valve leaks")
    passed += stops(crew, "[name=detail]")
    crew.keyboard.type("Replace the seal")
    passed += stops(crew, "form.new button[type=submit]")
    crew.keyboard.press("Enter")
    crew.wait_for_url("**/receipt/")

    desk = open_page(WIDE, dana)
    desk.route("**/workitems/photos/**", lambda route: route.fulfill(body=b"", content_type="image/jpeg"))
    desk.goto("/workitems/")
    passed += stops(desk, "a.item-number")
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/workitems/DRAFT_0022/")
    desk.goto("/workitems/review/")
    desk.wait_for_load_state("networkidle")
    passed += stops(desk, "[data-key=a]")
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"**item={second.number}")
    first.refresh_from_db()
    assert first.status == "completed_review"
    passed += stops(desk, "[name=internal_notes]")
    assert [stop for stop in passed if not (stop["isShown"] and stop["isMarked"])] == []
