"""The page of one route: by method and status, step by step, beside its budget."""

from __future__ import annotations

import re

import pytest

from tests import factories
from tests.perf.recorded import Answered, day
from tests.perf.views.test_overview import words

pytestmark = pytest.mark.django_db

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
