"""The overview as a person walks through it, wide and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import PHONE, WIDE, overflow

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_walk_through_the_overview(
    open_page: Callable[..., Any], editor: Any, roster: list[Any], size: dict[str, int]
) -> None:
    page = open_page(size, editor)
    page.goto("/")
    loads: list[str] = []
    page.on("request", lambda request: loads.append(request.url) if request.is_navigation_request() else None)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/scraping/live/" in request.url else None)
    page.mouse.wheel(0, 600)
    page.locator("#trend canvas").wait_for()
    lines = page.locator("#trend .chart-legend button").all_inner_texts()
    assert len(lines) == 3  # one for each platform, its value before beside it
    assert all(" · before " in line for line in lines)
    assert page.locator("#trend").get_by_text("dotted: the period before").count() == 1
    assert len(asked) <= 1  # no run is under way: nothing asks again and again

    page.get_by_role("link", name="Organisations", exact=True).click()
    page.get_by_role("heading", name="Followers by organisation").wait_for()
    page.locator("#trend canvas").wait_for()
    assert "by=organization" in page.url
    assert loads == []  # the charts changed in place
    assert overflow(page) == 0
    page.go_back()
    page.get_by_role("heading", name="Followers by platform").wait_for()
    page.locator("#trend canvas").wait_for()
    assert overflow(page) == 0

    page.locator(".periods summary").click()
    page.get_by_label("First day").fill("2026-01-01")
    page.get_by_label("Last day").fill("2099-12-31")
    page.get_by_role("button", name="Show these days").click()
    page.get_by_text("so the period ends there").wait_for()
    assert "1 Jan – " in page.locator(".periods summary").inner_text()
    assert overflow(page) == 0

    page.goto("/?days=7")
    mover = page.locator(".movers li a").first
    assert "account=" in mover.get_attribute("href")
    assert "days=7" in mover.get_attribute("href")
    page.locator("section[aria-labelledby=platforms-title]").get_by_role("link", name="YouTube").click()
    page.wait_for_url("**/accounts/?platform=youtube")


def test_the_overview_reads_without_javascript(open_page: Callable[..., Any], editor: Any, roster: list[Any]) -> None:
    page = open_page(PHONE, editor, java_script_enabled=False)
    page.goto("/")
    page.locator(".periods summary").click()
    page.get_by_label("Last day").fill("2026-01-01")
    page.get_by_role("button", name="Show these days").click()
    page.wait_for_url("**to=2026-01-01")
    assert page.get_by_text("the other way round").is_visible()
    page.goto("/")
    page.get_by_role("link", name="Organisations", exact=True).click()
    page.wait_for_url("**by=organization")
    assert page.get_by_text("The chart needs JavaScript").first.is_visible()
    assert page.locator("#platforms-title").is_visible()
    assert overflow(page) == 0
