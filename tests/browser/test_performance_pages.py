"""The performance pages in a real browser: whole on a phone and a screen, watched, and stopped by errors."""

from __future__ import annotations

import re

import pytest

from tests import factories
from tests.browser.conftest import WIDE, too_wide
from tests.browser.test_walk import AXE, AXE_CORE, JUDGE
from tests.perf.recorded import Answered, day, example

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_watched_page_takes_itself_anew_and_stops_when_nobody_answers(open_page):
    for route in ("workitems:dashboard", "snapshots:overview"):
        example(route, 3.0)
        day([Answered(route, 3.0, queries=60), Answered(route, 0.1, status=500)] * 5, hours=(0, 2))
    page = open_page(WIDE, factories.user("admin"), reduced_motion="reduce")
    page.clock.install()
    page.goto("/performance/?period=1h")
    page.keyboard.press("5")
    page.wait_for_url(re.compile("/performance/$"))
    for path in ("/performance/routes/workitems:dashboard/?period=1h", "/performance/?period=1h"):
        page.goto(path)
        page.evaluate("for (const part of document.querySelectorAll('main details')) part.open = true")
        assert not too_wide(page), path
        page.evaluate(AXE_CORE)
        assert page.evaluate(JUDGE, AXE) == [], path
    page.set_viewport_size(WIDE)
    board = page.locator("#board")
    assert "10" in board.locator("tbody tr").first.inner_text()
    day([Answered("login", 0.01)] * 7)
    page.clock.run_for(16_000)
    board.get_by_role("link", name="login").wait_for()
    page.provoked += ["status of 503", "503 http"]
    asked = []
    page.route("**/performance/**", lambda route: (asked.append(1), route.fulfill(status=503)))
    page.clock.run_for(16_000)
    page.get_by_role("alert").get_by_text("has stopped taking itself anew").wait_for()
    page.clock.run_for(60_000)
    assert len(asked) == 1
    assert board.get_by_role("link", name="login").is_visible()
