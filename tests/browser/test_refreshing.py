"""The page is kept fresh in place: by key, by button and by the clock, and never shows data to who signed out."""

from __future__ import annotations

import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import WIDE
from tests.browser.test_pages import requested

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MARK = "document.querySelector('#list').dataset.refresh = ''; window.mark = 1"


@pytest.fixture
def listed(open_page, editor):
    """Three accounts, on a page whose list is refreshed and whose clock the test holds."""
    for _ in range(3):
        factories.account("x")
    page = open_page(WIDE, editor)
    page.clock.install()
    page.goto("/accounts/")
    page.wait_for_load_state("networkidle")
    page.evaluate(MARK)
    return page


def test_refresh_replaces_parts_in_place_and_says_what_failed(listed):
    listed.evaluate("document.addEventListener('tidemark:refresh', () => (window.told = (window.told ?? 0) + 1))")
    listed.locator("#list tbody a").nth(1).focus()
    href = listed.evaluate("document.activeElement.href")
    factories.account("x", "ebb")
    listed.keyboard.press("r")
    expect(listed.locator("#list")).to_contain_text("ebb")
    assert listed.evaluate("[window.mark, window.told, document.activeElement.href]") == [1, 1, href]
    listed.evaluate(MARK)
    listed.provoked += ["ERR_FAILED", "Failed to fetch"]
    listed.route("**/accounts/", lambda route: route.abort())
    listed.get_by_role("button", name="Refresh, updated at").click()
    expect(listed.locator(".toast.warning")).to_have_text(re.compile(r"cannot be reached.* from \d\d:\d\d\."))
    expect(listed.locator("#list")).to_contain_text("ebb")
    expect(listed.locator("#list")).not_to_have_attribute("aria-busy", "true")


def test_clock_refreshes_every_five_minutes_unless_switched_off(listed):
    assert not requested(listed, lambda: listed.clock.fast_forward("04:30"))
    assert requested(listed, lambda: listed.clock.fast_forward("01:00"))
    listed.get_by_label("Menu of").click()
    listed.get_by_role("switch", name="Refresh every 5 min").click()
    assert not requested(listed, lambda: listed.clock.fast_forward("30:00"))
    listed.reload()
    expect(listed.locator("[data-refresh-switch]")).to_have_attribute("aria-checked", "false")


def test_clock_leaves_ticked_rows_and_open_menus_alone(listed):
    def next_refresh():
        with listed.expect_console_message(lambda message: message.text == "refreshed"):
            listed.clock.fast_forward("05:30")

    listed.evaluate("document.addEventListener('tidemark:refresh', () => console.log('refreshed'))")
    row = listed.get_by_role("checkbox", name="Choose X").first
    row.check()
    shown = listed.locator("[data-updated]").text_content()
    next_refresh()
    expect(row).to_be_checked()
    expect(listed.locator("[data-updated]")).to_have_text(shown)  # no newer than it is
    listed.keyboard.press("r")
    expect(listed.locator(".toast")).to_contain_text("is left as it was")
    row.uncheck()
    menu = listed.locator(".columns-menu")
    menu.locator("summary").click()
    next_refresh()
    expect(menu).to_have_attribute("open", "")
    listed.keyboard.press("Escape")
    factories.account("x", "ebb")
    next_refresh()
    expect(listed.locator("#list")).to_contain_text("ebb")
    expect(listed.get_by_role("button", name="Change…")).to_be_disabled()


def test_page_brought_back_after_signing_out_shows_nothing(listed):
    Session.objects.all().delete()
    listed.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    listed.wait_for_url("**/login/**")
