"""The dashboard in Chromium, with few and with many accounts, beside one of Chart.js and DataTables.

Each case is a fresh browser context (cold) and a second visit in it (warm). The list is scrolled and its rows are
pressed for the first time (cold: the server is asked) and again (warm: the page has what it needs). Times are the
browser's own: largest paint and slowest press by the Performance API, frames by requestAnimationFrame.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from accounts.models import Account
from benchmarks import serving
from benchmarks.ground import Line
from project.statics import collect_when_changed

FEW, ACCOUNTS, DAYS = 99, 100_000, 30
VISITS = 5
PEER = "benchmarks.peers.chartjs_datatables:application"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WATCH = """
window.seen = { paint: 0, press: 0, long: 0 };
const watch = (type, note, more) => new PerformanceObserver((list) => list.getEntries().forEach(note))
  .observe({ type, buffered: true, ...more });
watch("largest-contentful-paint", (entry) => (seen.paint = entry.startTime));
watch("longtask", () => (seen.long += 1));
const press = ({ interactionId, duration }) => interactionId && (seen.press = Math.max(seen.press, duration));
watch("event", press, { durationThreshold: 16 });
"""
SENT = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce(([count, bytes], entry) => [count + 1, bytes + entry.transferSize], [0, 0])"""
SCROLL = """(selector) => new Promise((done) => {
  const box = document.querySelector(selector);
  const times = [];
  seen.long = 0;
  const step = (now) => {
    times.push(now);
    box.scrollTop += 240;
    if (times.length < 121) requestAnimationFrame(step);
    else done({ frames: times.slice(1).map((time, at) => time - times[at]), long: seen.long });
  };
  requestAnimationFrame(step);
})"""
OURS_LIST, THEIR_LIST = "#sidebar [role=listbox]", ".dt-scroll-body"
OURS_ROW, THEIR_ROW = "#sidebar [role=option]:not([hidden])", "#accounts tbody tr"
FELT = {"slowest press": 50.0, "frame while scrolling, p95": 20.0, "long tasks": 0.0}
GOALS = {
    "largest paint, cold": 500.0,
    **{f"{name}, {visit}": goal for visit in ("cold", "warm") for name, goal in FELT.items()},
    "nodes": 1_500.0,
}


def measure(accounts: int = ACCOUNTS, days: int = DAYS, database: str | None = None) -> list[Line]:
    """Both pages with FEW and with `accounts` accounts of `days` days of figures, or with what `database` holds.

    That one gets a user and a session, which are gone at the end.
    """
    os.environ |= {
        "RATE_LIMIT_READS": "0",
        "SLOW_REQUEST_THRESHOLD": "60",
        "LOG_LEVEL": "ERROR",
        "PAGE_VIEW_SAMPLE": "0",
    }
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
        "true"  # Playwright's loop runs in this thread; nothing of ours runs in it
    )
    collect_when_changed()
    counts = [Account.objects.count()] if database else list(dict.fromkeys((FEW, accounts)))
    lines: list[Line] = []
    with sync_playwright() as playwright, _reader() as cookie:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for count in counts:
            if not database:
                _seed(count, days)
            with serving.serving(serving.OURS) as port:
                ours = _visits(browser, f"http://127.0.0.1:{port}/", OURS_LIST, OURS_ROW, cookie)
            with serving.serving(PEER) as port:
                theirs = _visits(browser, f"http://127.0.0.1:{port}/", THEIR_LIST, THEIR_ROW)
            lines += _lines(count, ours, theirs)
        browser.close()
    return lines


def _seed(accounts: int, days: int) -> None:
    call_command("seed", accounts=accounts, days=days, yes=True)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


@contextmanager
def _reader() -> Iterator[dict[str, str]]:
    """The session cookie of somebody who may see everything and is there for the benchmark alone."""
    user = get_user_model().objects.create_superuser(f"bench-pages-{os.getpid()}", password=None)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    try:
        yield {"name": settings.SESSION_COOKIE_NAME, "value": session.session_key or ""}
    finally:
        session.delete()
        user.delete()


def _visits(browser: Browser, url: str, box: str, row: str, cookie: dict[str, str] | None = None) -> dict[str, float]:
    """The medians of VISITS visits, by what was measured."""
    found: dict[str, list[float]] = {}
    for _ in range(VISITS):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_init_script(WATCH)
        if cookie:
            context.add_cookies([{**cookie, "url": url}])  # type: ignore[typeddict-item]  # it has name and value
        for name, value in _visit(context, url, box, row):
            found.setdefault(name, []).append(value)
        context.close()
    return {name: median(values) for name, values in found.items()}


def _visit(context: BrowserContext, url: str, box: str, row: str) -> Iterator[tuple[str, float]]:
    page = context.new_page()
    yield from ((f"{name}, cold", value) for name, value in _load(page, url, row))
    yield from ((f"{name}, warm", value) for name, value in _load(page, url, row))
    yield "nodes", page.locator("*").count()
    for visit in ("cold", "warm"):
        scrolled: dict[str, Any] = page.evaluate(SCROLL, box)
        yield f"frame while scrolling, p95, {visit}", quantiles(scrolled["frames"], n=20)[18]
        yield f"long tasks, {visit}", scrolled["long"]
        page.locator(box).evaluate("box => (box.scrollTop = 0)")
        page.wait_for_timeout(300)
    for visit in ("cold", "warm"):
        yield f"slowest press, {visit}", _press(page, row)


def _press(page: Page, row: str) -> float:
    """Milliseconds until the paint after the slowest of three presses on rows."""
    page.evaluate("seen.press = 0")
    for place in (2, 3, 4):
        page.locator(row).nth(place).click()
        page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)  # an event is told after the frame it led to
    slowest: float = page.evaluate("seen.press")
    return slowest


def _load(page: Page, url: str, row: str) -> Iterator[tuple[str, float]]:
    page.goto(url)
    page.locator(row).first.wait_for()
    page.wait_for_load_state("networkidle")
    requests, sent = page.evaluate(SENT)
    yield "largest paint", page.evaluate("seen.paint")
    yield "requests", requests
    yield "bytes", sent


def _lines(count: int, ours: dict[str, float], theirs: dict[str, float]) -> Iterator[Line]:
    for name, value in ours.items():
        unit = "ms" if name.startswith(("largest", "slowest", "frame")) else name.split(",")[0]
        most = GOALS.get(name)
        goal = ("", None) if most is None else (f"≤ {most:,.0f}", value <= most)
        yield Line(f"{name}, {count:,} accounts", "ours", value, unit, None, *goal)
        ratio = theirs[name] / value if value else None
        yield Line(f"{name}, {count:,} accounts", "Chart.js + DataTables", theirs[name], unit, ratio)
