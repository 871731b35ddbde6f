"""A real Chromium against the real pages; whatever it complains of fails the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import expect

from perf import clock
from scraping.fakes import server as fakes
from snapshots.models import Source
from snapshots.recording import Sighting, record
from tests import factories

WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 320, "height": 640}
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip  # the browser calls nobody of its own accord
MOUNTED = """() => new Promise((tell) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(
  () => tell(document.querySelector("[data-mounting]") === null)))))"""
"""Whether the parts in view are mounted, asked two frames later: after the first, those in view are known."""
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip loudly where there is no browser."""
    if BROWSER is None:
        skip = pytest.mark.skip(reason="NO BROWSER: install chromium, or these pages are not shown to work")
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium, as root too."""
    return {**browser_type_launch_args, "executable_path": BROWSER, "args": QUIET}


expect.set_options(
    timeout=25_000
)  # milliseconds; what comes is not waited for longer, and a busy machine takes its time


@pytest.fixture(scope="session", autouse=True)
def _blocking_calls_allowed() -> Iterator[None]:
    """Playwright runs its loop in the tests' thread; nothing of ours runs inside that loop."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def open_page(browser: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages of the running product; at the end no page may have complained.

    `open_page(PHONE, user)` is a blank page signed in as `user`; keyword arguments go to the browser's context. Its
    `goto` ends when the parts in view are mounted: before, their forms go the way of a browser without scripts. A test
    that provokes a complaint names a part of it in `page.provoked`.
    """
    complaints: list[str] = []
    provoked: list[str] = []
    contexts = []

    def open_one(size: dict[str, int] | None = None, user: Any = None, **options: Any) -> Any:
        context = browser.new_context(viewport=size or WIDE, base_url=live_server.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.provoked = provoked
        page.on(
            "console", lambda m: complaints.append(f"{m.type}: {m.text}") if m.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", lambda r: complaints.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        if user is not None:
            client = Client()
            client.force_login(user)
            [cookie] = client.cookies.values()
            context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        if options.get("java_script_enabled", True):
            page.goto = partial(_go, page, page.goto)
        return page

    yield open_one
    for context in contexts:
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")  # a request that a test still holds keeps its page from closing
        context.close()
    assert [text for text in complaints if not any(part in text for part in provoked)] == []


def _go(page: Any, goto: Callable[..., Any], *args: Any, **options: Any) -> Any:
    answer = goto(*args, **options)
    page.wait_for_function(MOUNTED)
    return answer


def sign_in(page: Any, user: Any) -> None:
    """Through the form, as a person does."""
    page.goto("/login/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    page.wait_for_load_state("networkidle")


@pytest.fixture
def editor(transactional_db: None) -> Any:
    """Somebody who may read figures, change the registry and scrape."""
    return factories.user("editor", first_name="Edith")


@pytest.fixture
def roster(transactional_db: None) -> list[Any]:
    """Sixty accounts with 40 days of figures, the fourth day of each missing."""
    now, today = clock.now(), clock.today()
    offices = [factories.organization(name) for name in ("Office of Tides", "Harbour Health Service", "Buoys")]
    accounts = [
        factories.account(("x", "youtube", "facebook")[i % 3], f"station{i:02}", organization=offices[i % 3])
        for i in range(60)
    ]
    sightings = [
        Sighting(
            account_id=account.pk,
            date=today - timedelta(days=back),
            observed_at=now - timedelta(days=back),
            source=Source.OBSERVED,
            followers=10_000 * (i + 1) + (40 - back) * (i % 7 - 2) * 11,
        )
        for i, account in enumerate(accounts)
        for back in range(40)
        if back != 4
    ]
    record(sightings)
    return accounts


@pytest.fixture
def gathering(worker: Any, settings: Any) -> Iterator[None]:
    """The fake platforms and a worker that reads them."""
    url, stop = fakes.start()
    tokens = {"X_TOKEN": "demo", "YOUTUBE_TOKEN": "demo", "FACEBOOK_TOKEN": "demo", "X_MONTHLY_BUDGET_USD": "100"}
    settings.PLATFORM_TOKENS = {name.removesuffix("_TOKEN").lower(): "demo" for name in tokens if "TOKEN" in name}
    worker(FAKE_PLATFORMS_URL=url, concurrency=2, **tokens)
    yield
    stop()


def too_wide(page: Any) -> dict[int, int]:
    """By the widths of a screen and of a phone: how many pixels the page that is open is wider, where it is."""
    found = {}
    for size in (PHONE, WIDE):
        page.set_viewport_size(size)
        if (wider := overflow(page)) > 0:
            found[size["width"]] = wider
    return found


def overflow(page: Any) -> int:
    """How many pixels the page is wider than the window."""
    return int(page.locator("html").evaluate("html => html.scrollWidth - html.clientWidth"))
