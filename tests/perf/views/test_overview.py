"""The first performance page: the whole, each route beside its budget, and what the figures lack."""

from __future__ import annotations

import re

import pytest

from perf import overhead, recording, storing
from tests import factories
from tests.perf.recorded import Answered, day
from workitems.reviewing import comment

pytestmark = pytest.mark.django_db

WORDS = re.compile(r"<[^>]+>|\s+")


@pytest.fixture
def admin(client):
    client.force_login(factories.user("admin"))
    return client


def words(answer) -> str:
    return " ".join(WORDS.sub(" ", answer.content.decode()).replace("\N{NO-BREAK SPACE}", " ").split())


def a_day() -> None:
    """Twenty hours with 20 requests each: three routes, one over its budget, one that fails, one that matches none."""
    slow = [Answered("api:grid", 1.5, queries=40) for _ in range(3)]
    quick = [Answered("workitems:dashboard", 0.01 * number) for number in range(1, 17)]
    day([*slow, *quick, Answered("(none)", 0.001, status=404)], hours=range(20))
    day([Answered("workitems:dashboard", 0.3, status=503)], hours=(1,))


@pytest.mark.req("A96")
def test_every_route_stands_beside_its_budget_with_its_percentiles(admin):
    a_day()
    page = words(admin.get("/performance/?period=24h"))
    assert "Requests 401 0.3 a minute" in page
    assert "Errors 0.2 % 1 failed (5xx) · 20 refused (4xx)" in page
    lines = page.partition("Share of time")[2].partition("Cache")[2].partition("How to read")[0]
    assert re.search(r"api:grid 60 77 % 1.5 s over 1.5 s 1.5 s 0 over 40 –", lines)
    assert re.search(r"workitems:dashboard 321 23 % (8|9)\d ms 1[56]\d ms 1[56]\d ms 1 5 –", lines)
    assert lines.index("api:grid") < lines.index("workitems:dashboard") < lines.index("(none)")


def test_columns_sort_and_periods_keep_the_order(admin):
    a_day()
    page = admin.get("/performance/?period=24h&order=errors").content.decode()
    assert page.index(">workitems:dashboard<") < page.index(">(none)<") < page.index(">api:grid<")
    assert re.search(r'aria-sort="descending"><a href="\?period=24h&amp;order=errors"', page)
    assert 'href="?order=errors&amp;period=7d"' in page
    assert admin.get("/performance/?order=junk&period=junk").status_code == 200


def test_an_empty_period_says_when_figures_come(admin):
    page = words(admin.get("/performance/"))
    assert "Nothing was recorded in this period. Figures appear here about a minute after the first request." in page
    assert "Answered in" not in page


def test_what_the_figures_lack_is_said(admin, settings):
    recording.count(recording.SHED, 1_234, what="values")
    recording.count(recording.SHED, 2, what=overhead.LISTS)
    storing.keep()
    page = words(admin.get("/performance/"))
    assert "1,234 values had no room" in page
    assert "Measuring took too much of a process 2 times, so for a minute or more each its queries were counted" in page
    told = admin.get("/api/performance").json()
    assert (told["shed"], told["rests"]) == (1_234, 2)
    settings.PERF_STORE = "memory"
    assert "These are the figures of one process." in words(admin.get("/performance/"))
    settings.ENABLE_MONITORING = False
    assert "Nothing is recorded. ENABLE_MONITORING is off" in words(admin.get("/performance/"))


@pytest.mark.parametrize(("period", "polls"), [("1h", "every 15s"), ("24h", "every 60s"), ("7d", "")])
def test_only_short_periods_are_polled(admin, period, polls):
    page = admin.get(f"/performance/?period={period}").content.decode()
    assert re.findall(r'hx-trigger="(.*?)"', page) == ([polls] if polls else [])


@pytest.mark.req("A96")
def test_the_same_is_json(admin):
    a_day()
    said = admin.get("/api/performance?period=24h").json()
    assert (said["step"], said["shed"], said["whole"]["requests"], said["whole"]["failed"]) == ("hour", 0, 401, 1)
    first = said["routes"][0]
    assert (first["route"], first["requests"], first["over"]) == ("api:grid", 60, ["time", "queries"])
    assert first["time"]["p95"] == 1.5
    assert first["budget"]["p95_ms"] < 1_500
    recorded = [step["requests"] for step in said["steps"]]
    assert recorded == [None] * 4 + [20] * 18 + [21, 20]
    assert admin.get("/api/performance?period=junk").status_code == 400


@pytest.mark.req("B59")
def test_what_there_is_is_counted_now(admin):
    reviewer = factories.user("reviewer")
    item = factories.item(reviewer, photos=2)
    factories.item(reviewer, photos=1)
    comment(item, "Which seal?", by=reviewer)
    page = words(admin.get("/performance/")).partition("What there is")[2]
    assert re.search(r"Work items 2 Photos 3 .*Comments 1 .*Database \d+\.?\d* [KM]iB", page)
    assert "Work items 2" not in words(admin.get("/performance/", headers={"HX-Request": "true"}))


def test_what_to_mend_comes_first(admin, monkeypatch):
    day([Answered("snapshots:accounts", 30.0, status=500)] * 30)
    page = words(admin.get("/performance/?period=24h"))
    assert re.search(r"What to mend (All \d+ findings|The finding) .*snapshots:accounts failed 30 of 30 times", page)
    assert page.index("What to mend") < page.index("Answered in")
    assert "snapshots:accounts failed 30 of 30 times" in words(admin.get("/performance/routes/snapshots:accounts/"))
    monkeypatch.setattr("perf.views.overview.findings", lambda window: [])
    assert "What to mend Nothing: no query was slow or repeated" in words(admin.get("/performance/?period=24h"))
