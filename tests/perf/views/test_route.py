"""The page of one route: by method and status, step by step, beside its budget."""

from __future__ import annotations

import re

import pytest

from perf import storing, traces
from perf.traces import Trace
from tests import factories
from tests.perf.recorded import Answered, day, example
from tests.perf.views.test_overview import words

pytestmark = pytest.mark.django_db

LINE = "workitems/views.py:41 in dashboard SELECT * FROM photo WHERE item_id = ?"
PAGE, JSON = "/performance/routes/workitems:dashboard/", "/api/performance/routes/workitems:dashboard"


@pytest.fixture
def admin(client):
    client.force_login(factories.user("admin"))
    kinds = [Answered("workitems:dashboard", 2.0, queries=30, size=64_000) for _ in range(8)]
    kinds += [Answered("workitems:dashboard", 0.1, method="POST", status=403, queries=2, size=None)] * 2
    day([*kinds, Answered("workitems:dashboard", 5.0, status=500), Answered("login")], hours=(0, 1))
    return client


@pytest.mark.req("A96")
def test_a_route_is_told_by_method_and_status_and_what_is_over_its_budget(admin):
    page = words(admin.get(PAGE))
    assert "Slower than its budget: 95 of 100 requests took at most 5 s; they may take" in page
    assert "More queries than its budget: 95 of 100 requests asked at most 30; they may ask" in page
    assert "Larger than its budget: 95 of 100 answers had at most 62." in page
    assert re.search(r"GET 200 16 (1\.9\d|2|2\.0\d) s 8\d\d ms 20\d ms 30 6[123]\.\d KiB", page)
    assert re.search(r"POST 403 4 \d+ ms \d+ ms 10 ms 2 A stream: its end", page) or "POST 403 4" in page
    assert "Budget, " in page


def test_a_route_that_nothing_is_known_of_says_so(admin):
    answer = admin.get("/performance/routes/a/b <i>/")
    assert (answer.status_code, "Nothing was recorded in this period." in words(answer)) == (200, True)
    assert b"<i>" not in answer.content
    assert admin.get("/api/performance/routes/a/b").status_code == 404


def test_a_route_is_json(admin):
    said = admin.get(f"{JSON}?period=24h").json()
    assert [(one["method"], one["status"], one["requests"]) for one in said["kinds"]] == [
        ("GET", "200", 16), ("POST", "403", 4), ("GET", "500", 2),
    ]  # fmt: skip
    assert said["kinds"][1]["bytes"] == {"count": 0, "mean": None, "p50": None, "p95": None, "p99": None, "most": None}
    assert (said["route"]["requests"], said["route"]["failed"], said["route"]["refused"]) == (22, 2, 4)
    assert [step["requests"] for step in said["steps"][-3:]] == [None, 11, 11]


def test_single_requests_show_their_queries_with_the_line_that_asked(admin):
    example("workitems:dashboard", 9.5)
    storing.keep()
    page = words(admin.get(PAGE))
    assert "9.5 s Slow: GET 200 3 queries in 600 ms · just now At Times Took Query, and the line that asked" in page
    assert f"0 ms 3 × 600 ms {LINE} Cache, 1.0 ms in all: stats missed (1.0 ms)." in page
    said = admin.get(JSON).json()
    (slowest,) = said["slowest"]
    assert (slowest["seconds"], slowest["queries"][0]["times"], slowest["queries"][0]["line"]) == (9.5, 3, 41)
    assert (said["drawn"]["seconds"], said["route"]["reads"], said["route"]["hits"]) == (9.5, 1, 0)


def test_a_request_whose_queries_were_not_listed_says_so(admin):
    trace = Trace("workitems:dashboard", method="GET", status="200")
    trace.count, trace.seconds = 12, 0.08
    traces.tell(trace, 9.5)
    storing.keep()
    page = words(admin.get(PAGE))
    assert "12 queries in 80 ms · just now Its queries were counted but not listed" in page
    assert "It asked the database nothing." not in page
