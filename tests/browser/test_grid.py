"""The data grid in a real browser: sorting and paging in place, columns, choosing rows, changing many, no script."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from accounts.models import Account
from snapshots.listing_columns import KNOWN
from tests.browser.conftest import PHONE, WIDE, overflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TOPS = """() => {
  const box = document.querySelector(".grid-box");
  box.scrollTo(200, 600);
  const at = (name) => box.querySelector(name).getBoundingClientRect();
  const inside = box.getBoundingClientRect();
  return [at("thead th:last-child").top - inside.top, inside.bottom - at("tfoot th.who").bottom,
          at("tbody th.who").left - inside.left, box.scrollTop > 0, box.scrollLeft > 0];
}"""


def rows(page: Any) -> Any:
    return page.locator("#list tbody tr")


@pytest.mark.req("A51")
def test_the_list_sorts_pages_and_takes_columns_in_place(open_page: Any, editor: Any, roster: Any) -> None:
    page = open_page(WIDE, editor)
    page.goto("/accounts/")
    page.evaluate("window.same = true")
    page.get_by_role("link", name="Account", exact=True).click()
    expect(rows(page).first).to_contain_text("station00")
    expect(page.locator("th[data-name=handle] a")).to_be_focused()
    expect(page.locator("th[data-name=handle]")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("link", name="Next").click()
    expect(rows(page)).to_have_count(10)
    expect(rows(page).first).to_contain_text("station50")
    assert "page=2" in page.url
    page.locator(".columns-menu summary").click()
    for name in ("Trend", "Engagement"):
        page.get_by_role("checkbox", name=name, exact=True).uncheck()
    page.get_by_role("checkbox", name="Videos", exact=True).check()
    page.get_by_role("button", name="Show and keep").click()
    expect(page.get_by_role("columnheader", name="Videos")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Trend")).to_have_count(0)
    assert "columns" not in page.url
    page.get_by_role("combobox", name="Platform").select_option("youtube")
    expect(page.get_by_text("Showing 1 to 20 of 20 accounts")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Videos")).to_be_visible()
    assert page.url.endswith("/accounts/?platform=youtube&sort=handle")
    assert page.evaluate("window.same")
    page.go_back()
    expect(rows(page)).to_have_count(10)


def test_the_last_of_two_clicks_is_what_is_shown(open_page: Any, editor: Any, roster: Any) -> None:
    page = open_page(WIDE, editor)
    page.goto("/accounts/")
    held: list[Any] = []
    page.route("**/accounts/?*", lambda route: held.append(route))  # noqa: PLW0108 - playwright takes no builtin
    with page.expect_request("**/accounts/?page=2*"):
        page.get_by_role("link", name="Next").click()
    with page.expect_request("**/accounts/?sort=*"):
        page.get_by_role("link", name="Account", exact=True).click()
    for route in held:
        with page.expect_response(route.request.url):
            route.continue_()
    expect(rows(page).first).to_contain_text("station00")
    assert page.url.endswith("/accounts/?sort=handle")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_heading_sums_and_names_stay_in_sight(open_page: Any, editor: Any, roster: Any, size: Any) -> None:
    page = open_page(size, editor)
    page.goto(f"/accounts/?columns={','.join(KNOWN)}")
    top, bottom, left, down, right = page.evaluate(TOPS)
    assert (down, right) == (True, True)
    assert 0 <= top <= 2
    assert 0 <= bottom <= 20  # a scroll bar may stand below the sums
    assert -2 <= left <= 2
    assert overflow(page) == 0
    page.locator(".columns-menu summary").click()
    page.get_by_role("button", name="Show and keep").scroll_into_view_if_needed()
    expect(page.get_by_role("button", name="Show and keep")).to_be_in_viewport()
    assert overflow(page) == 0


def test_many_are_chosen_changed_and_put_back(open_page: Any, editor: Any, roster: Any) -> None:
    page = open_page(WIDE, editor)
    page.goto("/accounts/?sort=handle")
    change = page.get_by_role("button", name="Change…")
    expect(change).to_be_disabled()
    page.get_by_role("checkbox", name="Choose X station00").check()
    page.get_by_role("checkbox", name="Choose YouTube station04").click(modifiers=["Shift"])
    expect(page.get_by_text("5 chosen")).to_be_visible()
    page.get_by_role("checkbox", name="Choose X station00").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("checkbox", name="Choose YouTube station01")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_text("4 chosen")).to_be_visible()
    change.click()
    page.get_by_label("Add tags").fill("flu season")
    page.get_by_label("Core accounts").select_option("Core")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("4 accounts would change")).to_be_visible()
    assert not Account.objects.filter(is_core=True).exists()
    page.get_by_role("button", name="Change 4 accounts").click()
    expect(page.get_by_text("4 accounts are changed.")).to_be_visible()
    assert Account.objects.filter(is_core=True).tagged(["flu season"]).count() == 4
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("4 of 4 accounts are as before.")).to_be_visible()
    assert not Account.objects.filter(is_core=True).exists()


@pytest.mark.req("A56")
def test_a_row_is_switched_at_once_and_goes_back_with_the_reason(open_page: Any, editor: Any, roster: Any) -> None:
    page = open_page(WIDE, editor)
    page.goto("/accounts/?q=station07")
    switch = page.get_by_role("switch", name=re.compile("station07"))
    page.provoked += ["ERR_FAILED", "Failed to fetch"]
    page.route("**/switch.js", lambda route: route.abort())
    switch.click()
    expect(page.locator(".toast.error")).to_have_text("The server could not be reached. Nothing was changed.Close")
    page.locator(".toast.error button").click()
    page.unroute("**/switch.js")
    page.route("**/accounts/switch/**", lambda route: route.abort())
    switch.click()
    expect(page.locator(".toast.error")).to_contain_text("Nothing was changed")
    expect(switch).to_have_attribute("aria-checked", "true")
    page.unroute("**/accounts/switch/**")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(switch).not_to_have_attribute("aria-busy", "true")
    assert not Account.objects.get(handle="station07").is_active


def test_without_a_script_the_same_is_done_by_links_and_forms(open_page: Any, editor: Any, roster: Any) -> None:
    page = open_page(WIDE, editor, java_script_enabled=False)
    page.goto("/accounts/")
    page.get_by_role("searchbox", name="Find by handle").fill("station0")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/accounts/?q=station0")
    page.locator(".columns-menu summary").click()
    page.get_by_role("checkbox", name="Trend", exact=True).uncheck()
    page.get_by_role("button", name="Show and keep").click()
    page.wait_for_url("**/accounts/?q=station0")
    expect(page.get_by_role("columnheader", name="Trend")).to_have_count(0)
    page.get_by_role("checkbox", name="All 10 that match").check()
    page.get_by_role("button", name="Change…").click()
    page.get_by_label("Activity").select_option("Neither scrape nor count")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Change 10 accounts").click()
    expect(page.get_by_text("10 accounts are changed.")).to_be_visible()
    assert Account.objects.filter(is_active=False).count() == 10
