"""The list of all accounts and the pane of the chosen ones, in a real browser."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from accounts.models import Account
from perf import clock
from snapshots.recording import Sighting, record
from tests import factories
from tests.browser.conftest import PHONE, WIDE, overflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MANY = 5_000
POINTS_AT = """handle => {
    const active = document.activeElement.getAttribute("aria-activedescendant");
    return document.getElementById(active)?.ariaLabel.startsWith(handle);
}"""


@pytest.fixture
def shoal(transactional_db):
    """Five thousand accounts, the first with the most followers, each seen today."""
    offices = [factories.organization(name) for name in ("Office of Tides", "Harbour Health")]
    names = [f"fish{i:04}" for i in range(MANY)]
    accounts = Account.objects.bulk_create(
        Account(platform=("x", "youtube")[i % 2], handle=name, handle_key=name, organization=offices[i % 2])
        for i, name in enumerate(names)
    )
    now, today = clock.now(), clock.today()
    record([Sighting(row.pk, today, now, "observed", followers=100_000 - 7 * i) for i, row in enumerate(accounts)])
    return accounts


def asked(page, part):
    """A list that grows with every request whose address holds `part`."""
    seen = []
    page.on("request", lambda request: seen.append(request.url) if part in request.url else None)
    return seen


def pages_of(urls):
    return [int(parse_qs(urlsplit(url).query)["page"][0]) for url in urls]


def options(page):
    """The rows of the list; the choices of its order are options too."""
    return page.locator(".account[role=option]")


@pytest.mark.req("A47", "A48", "A50", "A53")
def test_five_thousand_accounts_scroll_search_and_answer_to_keys(open_page, editor, shoal):
    page = open_page(WIDE, editor)
    urls = asked(page, "/sidebar/?")
    page.goto("/")
    box = page.get_by_role("listbox", name="Accounts")
    expect(options(page).first).to_contain_text("fish0000")
    expect(page.locator("[data-total-words]")).to_have_text("5,000 active accounts")
    assert pages_of(urls) == [1]

    # Flung to the end through all fifty pages: few are asked for, and few rows are in the document.
    skeletons = box.evaluate("""async (box) => {
        const end = box.scrollHeight;
        let skeletons = 0;
        for (let at = 0; at <= 40; at += 1) {
            box.scrollTop = end * at / 40;
            await new Promise(requestAnimationFrame);
            const waiting = box.querySelector(".waiting .name");
            skeletons += waiting && getComputedStyle(waiting).backgroundColor !== "rgba(0, 0, 0, 0)";
        }
        return skeletons;
    }""")
    assert skeletons > 0
    last = page.get_by_role("option", name=re.compile("^fish4999"))
    expect(last).to_have_attribute("aria-posinset", "5000")
    expect(last).to_have_attribute("aria-setsize", "5000")
    assert pages_of(urls)[-1] == 50
    assert len(urls) <= 8
    assert options(page).count() < 100
    assert page.evaluate("document.querySelectorAll('.account').length") < 100
    expect(page.locator(".account.waiting")).to_have_count(0)
    assert page.evaluate("document.querySelectorAll('*').length") <= 1_500

    box.focus()
    for keys, handle in (
        (["Home"], "fish0000"), (["ArrowDown", "ArrowDown", "ArrowUp"], "fish0001"), (["End"], "fish4999"),
        (["Home", "PageDown", "PageUp"], "fish0000"),
    ):  # fmt: skip
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_function(POINTS_AT, arg=handle)

    urls.clear()
    page.keyboard.press("/")
    page.keyboard.type("YOUTUBE fi", delay=15)
    expect(page.get_by_text("2,500 match")).to_be_visible()
    assert len(urls) == 1
    expect(options(page).first).to_contain_text("fish0001")
    assert "q=YOUTUBE+fi" in page.url
    page.get_by_role("searchbox", name="Find in the list").fill("nobody")
    expect(page.get_by_text("No account matches “nobody”.")).to_be_visible()
    page.get_by_role("searchbox", name="Find in the list").fill("")
    page.get_by_label("Sort by").select_option("Name")
    expect(page.locator("[data-total-words]")).to_have_text("5,000 active accounts")
    expect(options(page).first).to_contain_text("fish0000")


@pytest.mark.req("A41", "A49")
def test_accounts_open_and_are_compared_without_leaving_the_page(open_page, editor, roster):
    page = open_page(WIDE, editor)
    histories, fragments = asked(page, "/api/history"), asked(page, "/pane/")
    page.goto("/")
    page.evaluate("window.stayed = true")
    expect(options(page).first).to_be_visible()
    assert histories == []
    box = page.get_by_role("listbox", name="Accounts")
    box.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", name="station58")
    expect(heading).to_be_focused()
    expect(page).to_have_title("station58 · Tidemark")
    expect(page.locator("#pane canvas").first).to_be_visible()
    assert page.url.endswith("?account=youtube/station58")
    assert (len(histories), len(fragments)) == (1, 1)

    # Back and forth within the time that answers are kept: not one request more for what was seen.
    options(page).nth(0).click()
    expect(page.get_by_role("heading", name="station59")).to_be_focused()
    expect(page.locator("#pane canvas").first).to_be_visible()
    before = len(histories), len(fragments)
    page.go_back()
    expect(page.get_by_role("heading", name="station58")).to_be_visible()
    expect(page.locator("#pane canvas").first).to_be_visible()
    options(page).nth(0).click()
    expect(page.get_by_role("heading", name="station59")).to_be_visible()
    expect(page.locator("#pane canvas").first).to_be_visible()
    assert (len(histories), len(fragments)) == before == (2, 2)

    # Forgotten with a refresh: asked again.
    with page.expect_request("**/api/history/**"):
        page.keyboard.press("r")

    # Space and the box compare; a chip takes one out; the link leads back to all.
    box.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    expect(page.get_by_role("heading", name="2 accounts compared")).to_be_visible()
    expect(box).to_be_focused()
    options(page).nth(2).locator(".mark").click()
    expect(page.get_by_role("heading", name="3 accounts compared")).to_be_visible()
    expect(page.locator("#pane canvas").first).to_be_visible()
    assert page.locator(".account[aria-selected=true]").count() == 3
    assert page.url.count("account=") == 3
    assert page.evaluate("window.stayed")
    page.get_by_role("link", name="7 days").click()  # a page of its own
    expect(page.get_by_role("heading", name="3 accounts compared")).to_be_visible()
    page.get_by_role("link", name="Take X station57 out of the comparison").click()
    expect(page.get_by_role("heading", name="2 accounts compared")).to_be_visible()
    page.get_by_role("link", name="All accounts").click()
    expect(page.locator("#pane").get_by_text("Most gained", exact=True)).to_be_visible()
    expect(page).to_have_title("Overview · Tidemark")
    assert "account=" not in page.url
    assert "days=7" in page.url


def test_the_way_back_to_all_accounts_shows_the_lines_that_the_address_names(open_page, editor, roster):
    page = open_page(WIDE, editor)
    page.goto("/?by=organization&account=x/station00")
    page.get_by_role("link", name="All accounts").click()
    expect(page.locator("#figures")).to_be_visible()
    expect(page.get_by_role("link", name="Organisations", exact=True)).to_have_attribute("aria-current", "true")
    assert page.url.endswith("/?by=organization")


@pytest.mark.req("A53")
def test_rows_on_their_way_are_skeletons_and_a_failure_can_be_tried_again(open_page, editor, roster):
    page = open_page(WIDE, editor)
    held = []
    page.route("**/sidebar/?**", lambda route: held.append(route))  # noqa: PLW0108 - playwright takes no builtin
    page.goto("/?sort=name")
    box = page.get_by_role("listbox", name="Accounts")
    expect(box).to_have_attribute("aria-busy", "true")
    expect(box).to_have_css("background-image", re.compile("gradient"))
    page.wait_for_timeout(100)
    held.pop().continue_()
    expect(options(page).first).to_contain_text("station00")
    expect(box).to_have_attribute("aria-busy", "false")
    expect(box).to_have_css("background-image", "none")

    page.provoked += ["ERR_FAILED", "Failed to fetch"]
    page.get_by_label("Sort by").select_option("Most gained")
    page.wait_for_timeout(100)
    held.pop().abort()
    expect(page.get_by_role("alert")).to_contain_text("What was read is kept")
    expect(options(page).first).to_contain_text("station")
    page.unroute("**/sidebar/?**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_be_hidden()

    page.route("**/pane/?**", lambda route: route.abort())
    options(page).first.click()
    expect(page.locator("#pane")).to_contain_text("Your choice is kept")
    page.unroute("**/pane/?**")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=2, name=re.compile("station"))).to_be_focused()


def test_a_phone_has_the_list_folded_above_the_figures(open_page, editor, roster):
    page = open_page(PHONE, editor)
    urls = asked(page, "/sidebar/?")
    page.goto("/")
    page.wait_for_load_state("networkidle")
    assert urls == []
    expect(options(page)).to_have_count(0)
    page.locator("summary", has_text="Accounts").click()
    expect(options(page).first).to_contain_text("station59")
    assert overflow(page) == 0
    assert options(page).first.bounding_box()["height"] >= 44
    options(page).nth(1).click()
    expect(page.get_by_role("heading", name="station58")).to_be_focused()
    assert overflow(page) == 0


def test_without_javascript_accounts_are_found_opened_and_compared(open_page, editor, roster):
    page = open_page(WIDE, editor, java_script_enabled=False)
    page.goto("/")
    page.get_by_role("searchbox", name="Find in the list").fill("station1")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.get_by_text("10 match")).to_be_visible()
    page.locator("#sidebar").get_by_role("link", name="station10").click()
    expect(page.get_by_role("heading", name="station10")).to_be_visible()
    expect(page.get_by_text("One of the two days has no figure").first).to_be_attached()
    page.get_by_label("Compare Facebook station59").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="2 accounts compared")).to_be_visible()
    expect(page.get_by_role("table")).to_contain_text("station10")
