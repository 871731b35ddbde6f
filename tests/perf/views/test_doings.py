"""The pages of tasks, outgoing calls and browsers, and the same as JSON."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from perf import recording, storing
from tests import factories
from tests.perf.views.test_overview import words

pytestmark = pytest.mark.django_db

TIMES = {"answered_ms": "80", "ready_ms": "300", "loaded_ms": "2600", "painted_ms": "420", "interaction_ms": "16"}


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(factories.user("admin"))
    return client


def test_tasks_show_waits_runs_retries_and_what_failed(admin: Client) -> None:
    roll_up = {"task": "scraping.tasks.roll_up", "queue": "control"}
    for outcome, many in {"ok": 17, "retried": 2, "failed": 1}.items():
        for _ in range(many):
            recording.record("task.run", 0.5, outcome=outcome, **roll_up)
            recording.record("task.wait", 0.02, **roll_up)
    recording.count("task.retries", 2, **roll_up)
    recording.count("task.errors", error="OperationalError", **roll_up)
    recording.count("task.errors", error="WorkerLostError", task="snapshots.tasks.write_exports", queue="(unknown)")
    storing.keep()

    page = words(admin.get("/performance/tasks/?period=1h"))
    assert re.search(r"roll_up control · OperationalError 1 20 20 ms 20 ms (500|50\d|49\d) ms .* 2 1 ", page), page
    assert "write_exports (unknown) · WorkerLostError 1 1 – No message" in page
    said = admin.get("/api/performance/tasks?period=1h").json()
    first = said["tasks"][0]
    assert (first["ends"], first["retries"], first["error_rate"]) == ({"ok": 17, "retried": 2, "failed": 1}, 2, 0.05)
    assert (first["run"]["count"], said["tasks"][1]["error_rate"]) == (20, 1.0)
    assert (said["steps"][0]["ends"], said["steps"][-1]["ends"]) == (None, first["ends"])


@pytest.mark.req("A99")
def test_outgoing_calls_show_times_waits_and_troubles_of_each_platform(admin: Client) -> None:
    for platform, outcome, many in (("flickr", "ok", 9), ("flickr", "rate_limited", 1), ("x", "ok", 3)):
        for _ in range(many):
            recording.record("outgoing", 0.25, platform=platform, outcome=outcome)
    recording.record("outgoing.waited", 4.0, platform="x")
    recording.gauge("outgoing.quota", 0.25, platform="x")
    storing.keep()

    page = words(admin.get("/performance/outgoing/?period=1h"))
    assert re.search(
        r"flickr rate_limited 1 10 .* – It has no quota that calls wait for – 1 10 % x 3 .* 4 s 25 % 0 0 % ", page
    )
    assert "own figures" in page
    flickr, x = admin.get("/api/performance/outgoing?period=1h").json()["platforms"]
    assert (flickr["quota"], x["quota"]) == (None, 0.25)
    assert (flickr["calls"]["count"], flickr["ends"], flickr["error_rate"]) == (10, {"ok": 9, "rate_limited": 1}, 0.1)
    assert (x["wait"]["most"], flickr["wait"]["p95"]) == (4.0, None)


@pytest.mark.req("A100")
def test_what_a_browser_tells_stands_under_its_page_in_seconds(admin: Client) -> None:
    for told in (TIMES, {}):
        assert admin.post("/performance/beacon/", {"route": "snapshots:overview", **told}).status_code == 204
    storing.keep()
    page = words(admin.get("/performance/frontend/?period=1h"))
    assert re.search(
        r"snapshots:overview 1 80 ms 80 ms 300 ms 300 ms 420 ms 420 ms slow 2.6 s 2.6 s 16 ms 16 ms", page
    ), page
    (overview,) = admin.get("/api/performance/frontend?period=1h").json()["pages"]
    assert (overview["route"], overview["views"]) == ("snapshots:overview", 1)
    assert overview["loaded"]["most"] == pytest.approx(2.6, rel=1e-5)


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("tasks", "No task ran in this period."),
        ("outgoing", "Nothing was called in this period. Platforms appear"),
        ("frontend", "No browser told anything in this period. A browser tells"),
    ],
)
def test_an_empty_page_says_when_figures_appear(admin: Client, page: str, says: str) -> None:
    assert says in words(admin.get(f"/performance/{page}/"))
