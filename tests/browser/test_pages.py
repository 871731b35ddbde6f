"""The pages in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.models import Account
from scraping import ledger
from scraping.models import ScrapeRun
from tests import factories
from tests.browser.conftest import PHONE, WIDE, overflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FAR_DOWN = """
document.addEventListener("DOMContentLoaded", () => {
  const far = document.createElement("hr");
  far.style.height = "3000px";
  document.querySelector("#history").before(far);
});
"""


TURNS = """
element => ["", "::before", "::after"].some((part) => getComputedStyle(element, part || null).animationName !== "none")
"""
"""Whether something moves in an element that works."""


def requested(page, within):
    """The addresses `within()` makes the page ask for."""
    seen = []

    def note(request):
        seen.append(request.url)

    page.on("request", note)
    within()
    page.wait_for_load_state("networkidle")
    page.remove_listener("request", note)
    return seen


def test_a_long_name_fits_a_phone(open_page, editor, roster):
    factories.account("linkedin", "in:averylongnamewithoutanyplacetobreakit")  # never seen: it needs a look
    page = open_page(PHONE, editor)
    for path in ("/", "/accounts/"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert overflow(page) == 0, path


SMALL = """
() => [...document.querySelectorAll(".top :is(a, button, summary, input)")]
  .filter((element) => element.checkVisibility())
  .map((element) => [element.textContent.trim().slice(0, 20), element.getBoundingClientRect()])
  .filter(([, box]) => Math.min(box.width, box.height) < 44 || (box.left < 0 && box.top > 0))
  .map(([name, box]) => `${name}: ${box.width} x ${box.height} at ${box.left}`)
"""


def test_a_finger_meets_everything_in_the_header_of_a_phone(open_page):
    page = open_page(PHONE, factories.user("admin", first_name="Alexandria"))
    page.goto("/workitems/new/")
    page.wait_for_load_state("networkidle")
    page.get_by_label("Menu of").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert page.evaluate(SMALL) == []
    assert overflow(page) == 0


@pytest.mark.req("A46", "A58")
def test_chart_code_comes_only_when_a_chart_comes_into_view(open_page, editor, roster):
    page = open_page({"width": 1440, "height": 300}, editor)
    listed = requested(page, lambda: page.goto("/accounts/"))
    assert not [url for url in listed if "uPlot" in url or "/charts/" in url]
    page.add_init_script(FAR_DOWN)
    opened = requested(page, lambda: page.goto("/accounts/x/station03/"))
    assert not [url for url in opened if "uPlot" in url or "/api/history" in url]
    with page.expect_request("**/api/history/x/station03?from=*"), page.expect_request("**/uPlot.iife.min.js"):
        page.locator("#history").scroll_into_view_if_needed()
    expect(page.locator("#history canvas")).to_be_visible()


@pytest.mark.req("A48")
def test_typing_quickly_asks_the_server_once(open_page, editor, roster):
    page = open_page(WIDE, editor)
    page.goto("/accounts/")
    field = page.get_by_role("searchbox", name="Find by handle")
    asked = requested(page, lambda: (field.press_sequentially("station012", delay=20), page.wait_for_timeout(900)))
    assert len([url for url in asked if "/accounts/" in url]) == 1
    expect(page.locator("#list")).to_contain_text("No account matches")
    assert "q=station012" in page.url


def test_a_chart_switches_figures_and_periods_in_place(open_page, editor, roster):
    page = open_page(WIDE, editor)
    page.goto("/accounts/x/station03/")
    expect(page.locator("#history canvas")).to_be_visible()
    page.get_by_role("button", name="Daily change").click()
    expect(page.locator(".chart-legend")).to_contain_text("Daily change")
    page.get_by_role("link", name="7 days").click()
    page.wait_for_url("**/?days=7")
    expect(page.locator("#history canvas")).to_be_visible()
    expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")


def test_the_keyboard_leads_everywhere(open_page, editor, roster):
    page = open_page(WIDE, editor)
    page.goto("/")
    page.keyboard.press("2")
    page.wait_for_url("**/accounts/")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Find by handle")).to_be_focused()
    page.keyboard.type("1?")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("1")
    page.wait_for_url(lambda url: url.endswith("/"))


def test_dark_only_when_chosen_and_then_kept(open_page, editor):
    page = open_page(WIDE, editor, color_scheme="dark")
    page.goto("/")
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(paper) == "rgb(251, 251, 249)"
    page.get_by_label("Menu of").click()
    page.get_by_role("button", name="Dark theme").click()
    page.goto("/accounts/")
    assert page.evaluate(paper) == "rgb(15, 23, 30)"


def test_everything_reads_without_javascript(open_page, editor, roster):
    page = open_page(WIDE, editor, java_script_enabled=False)
    page.goto("/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.goto("/accounts/?q=station03")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    page.get_by_role("link", name="station03").click()
    expect(page.get_by_role("table").first).to_contain_text("No figure the day before")
    page.get_by_role("button", name="Scrape now").click()
    page.wait_for_url("**/scraping/")
    assert ScrapeRun.objects.count() == 1


def test_losing_the_server_is_said_once(open_page, editor, roster):
    page = open_page(WIDE, editor)
    ledger.request_scrape(Account.objects.filter(handle="station03"), editor)
    page.goto("/scraping/")
    page.provoked += ["ERR_FAILED", "Failed to fetch"]
    page.route("**/scraping/live/", lambda route: route.abort())
    expect(page.locator(".toast.warning")).to_contain_text("cannot be reached", timeout=8_000)
    page.wait_for_timeout(2_500)
    expect(page.locator(".toast.warning")).to_have_count(1)


@pytest.mark.req("A54")
def test_chart_table_and_button_show_that_they_work(open_page, editor, roster):
    page = open_page(WIDE, editor)
    held = []
    for path in ("**/api/history/**", "**/scraping/start/", "**/accounts/?sort=*"):
        page.route(path, lambda route: held.append(route))  # noqa: PLW0108 - playwright takes no builtin
    page.goto("/accounts/x/station03/")
    chart, button = page.locator("#history .chart"), page.get_by_role("button", name="Scrape now")
    expect(chart).to_have_attribute("aria-busy", "true")
    assert chart.evaluate(TURNS)
    held.pop().continue_()
    page.wait_for_load_state("networkidle")  # the button's script is there
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    assert button.evaluate(TURNS)
    page.goto("/accounts/")
    page.wait_for_load_state("networkidle")
    page.get_by_role("columnheader", name="Followers").get_by_role("link").click()
    expect(page.locator("#list")).to_have_attribute("aria-busy", "true")
    assert page.locator("#list").evaluate(TURNS)
    held[-1].continue_()
    expect(page.locator("#list")).not_to_have_attribute("aria-busy", "true")
