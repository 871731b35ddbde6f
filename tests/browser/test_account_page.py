"""The page of one account in a real browser: a scrape's live result, switches that go back, the parts beside them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from accounts.models import Account
from perf import clock
from scraping import ledger
from scraping.models import PlatformState, ScrapeJob
from snapshots.models import Snapshot
from tests.browser.conftest import PHONE, WIDE, overflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATH = "/accounts/x/station03/"


@pytest.mark.req("A55")
def test_scrape_now_ends_on_the_page_with_the_new_figure(open_page, editor, roster, gathering):
    Snapshot.objects.filter(account=roster[0], date__gte=clock.today() - timedelta(days=3)).delete()
    page = open_page(WIDE, editor)
    page.goto("/accounts/x/station00/")
    button = page.get_by_role("button", name="Scrape now")
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    live = page.get_by_role("status").filter(has_text="promised")
    expect(live).to_contain_text(re.compile(r"done\s+[\d,]+\s+followers, [+−]?[\d,]+ since|doubted"), timeout=30_000)
    expect(button).not_to_have_attribute("aria-busy", "true")
    assert page.url.endswith("/accounts/x/station00/")
    stored = Snapshot.objects.get(account=roster[0], date=clock.today())
    if stored.quality == "published":
        expect(page.locator("#figures .value").first).to_have_text(f"{stored.followers:,}")
    expect(page.locator("#attempts-list tbody tr")).to_have_count(1)


def test_a_waiting_scrape_says_until_when_and_can_be_cancelled(open_page, editor, roster):
    rest = {"paused_until": clock.now() + timedelta(hours=2), "why": "rate_limited"}
    PlatformState.objects.create(platform="x", host="", **rest)
    page = open_page(PHONE, editor)
    page.goto(PATH)
    page.get_by_role("button", name="Scrape now").click()
    live = page.get_by_role("status").filter(has_text="promised")
    expect(live).to_contain_text(re.compile(r"asked us to slow down, until .*Nothing is lost"))
    assert overflow(page) == 0
    live.get_by_role("button", name="Cancel").click()
    expect(live).to_contain_text("Nothing was stored; the figures from before stay.")
    assert ScrapeJob.objects.get(account=roster[3]).state == "cancelled"
    assert page.url.endswith(PATH)


def test_what_refuses_a_scrape_is_said_on_the_page(open_page, editor, roster, settings):
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"scrapes": (1, 3600)}
    ledger.request_scrape(Account.objects.filter(handle="station03"), editor)
    page = open_page(WIDE, editor)
    page.goto(PATH)
    button = page.get_by_role("button", name="Scrape now")
    expect(button).to_have_attribute("aria-busy", "true")  # it is under way already
    page.get_by_role("button", name="Cancel").click()
    expect(button).not_to_have_attribute("aria-busy", "true")
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    page.get_by_role("button", name="Cancel").click()
    expect(button).not_to_have_attribute("aria-busy", "true")
    page.provoked += ["429"]
    button.click()
    expect(page.locator(".toast.error")).to_contain_text(re.compile("More than 1 scrapes in an hour.*Try again in"))


@pytest.mark.req("A56")
def test_a_switch_shows_at_once_and_goes_back_with_the_reason(open_page, editor, roster):
    page = open_page(WIDE, editor)
    page.goto(PATH)
    switch = page.get_by_role("switch", name="Scraped and counted")
    core = page.get_by_role("switch", name="Core account")
    switch.dblclick()  # the second press waits for the first one's answer
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(switch).not_to_have_attribute("aria-busy", "true")
    assert not Account.objects.get(handle="station03").is_active
    core.click()
    expect(core).to_have_attribute("aria-checked", "true")
    expect(core).not_to_have_attribute("aria-busy", "true")
    page.provoked += ["ERR_FAILED", "Failed to fetch", "409", "403"]
    Account.objects.filter(handle="station03").update(is_core=False)
    core.click()
    expect(page.locator(".toast.warning")).to_contain_text("Somebody else was faster")
    expect(core).to_have_attribute("aria-checked", "false")
    page.route("**/accounts/switch/**", lambda route: route.abort())
    switch.click()
    expect(page.locator(".toast.error")).to_contain_text("could not be reached. Nothing was changed")
    expect(switch).to_have_attribute("aria-checked", "false")
    page.unroute("**/accounts/switch/**")
    editor.groups.clear()
    switch.click()
    expect(page.locator(".toast.error").last).to_contain_text("You may not do this")
    expect(switch).to_have_attribute("aria-checked", "false")
