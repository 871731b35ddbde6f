"""Traces: what a request asked, from which line, and what of it is recorded."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.template import Context, Engine

from perf import reading, recording, storing, traces
from perf.cache import Family, cached
from perf.places import NOWHERE, Place
from perf.series import Labels
from perf.traces import Trace
from tests.perf import tasks_of_a_test

pytestmark = [pytest.mark.urls("tests.perf.urls"), pytest.mark.django_db]

HERE = "tests/perf/test_traces.py"


@pytest.fixture
def told(monkeypatch) -> list[tuple[Trace, float]]:
    """Every trace that ends, with its seconds."""
    seen: list[tuple[Trace, float]] = []
    monkeypatch.setattr(traces, "ended", [lambda trace, seconds: seen.append((trace, seconds))])
    return seen


@pytest.mark.req("A98")
def test_a_trace_tells_each_query_with_the_line_that_asked_and_no_parameter(client, told):
    client.get("/asking")
    ((trace, seconds),) = told
    line = next(
        number
        for number, text in enumerate(Path("tests/perf/urls.py").read_text().splitlines(), 1)
        if "Group.objects.filter" in text
    )
    assert {call.place for call in trace.queries} == {Place("tests/perf/urls.py", line, "asking")}
    assert len(trace.queries) == trace.count == 6
    assert not any("secret name" in call.sql for call in trace.queries)
    assert sum(call.seconds for call in trace.queries) == pytest.approx(trace.seconds)
    assert 0 < trace.seconds < seconds
    starts = [call.started for call in trace.queries]
    assert starts == sorted(starts)
    assert (trace.method, trace.what, trace.status) == ("GET", "tests.perf.urls.asking", "200")


def test_the_line_of_a_template_is_told_beside_the_line_that_renders_it():
    page = "<p>\n{% for one in groups %}{{ one }}{% endfor %}"
    engine = Engine(loaders=[("django.template.loaders.locmem.Loader", {"boats.html": page})])
    with traces.traced("boats") as trace:
        engine.get_template("boats.html").render(Context({"groups": Group.objects.all()}))
        engine.from_string(page).render(Context({"groups": Group.objects.all()}))
        list(Group.objects.all())
    named, nameless, plain = (call.place for call in trace.queries)
    assert str(named) == f"{HERE}:{named.line}, in boats.html:2"
    assert [str(nameless), str(plain)] == [f"{HERE}:{named.line + 1}", f"{HERE}:{named.line + 2}"]


def test_a_query_that_no_line_of_the_project_asked_for_is_of_nowhere(client, told):
    client.get("/remembering")  # Django's middleware saves the session, below our own middlewares
    assert {call.place for call in told[0][0].queries if "INSERT" in call.sql} == {NOWHERE}


def test_a_block_outside_a_request_is_traced_with_its_cache_calls(told):
    family = Family("tides", timeout=60)
    assert traces.current() is None
    with traces.traced("plan") as trace:
        list(Group.objects.all())
        cached(family, "today", lambda: b"high")
        cached(family, "today", lambda: b"high")
    assert traces.current() is None
    assert (told[0][0] is trace, trace.what) == (True, "plan")
    assert trace.queries[0].place[::2] == (HERE, test_a_block_outside_a_request_is_traced_with_its_cache_calls.__name__)
    assert [call[:2] for call in trace.calls] == [("tides", "misses"), ("tides", "hits")]
    assert 0 < sum(call.seconds for call in trace.calls) <= trace.cached


def test_a_trace_keeps_a_bounded_list_and_counts_all():
    with traces.traced("import") as trace:
        for _ in range(traces.MOST + 5):
            trace.query("SELECT 1", trace.began, trace.began + 0.05)
            trace.call("tides", "hits")
    assert (len(trace.queries), len(trace.calls)) == (traces.MOST, traces.MOST)
    assert (trace.count, trace.seconds) == (traces.MOST + 5, pytest.approx((traces.MOST + 5) / 20))


def test_a_trace_keeps_slow_queries_however_late_and_not_without_end():
    with traces.traced("import") as trace:
        for _ in range(traces.MOST):
            trace.query("SELECT 1", trace.began, trace.began + 0.001)
        for _ in range(traces.MOST_SLOW + 5):
            trace.query("SELECT 2", trace.began, trace.began + 30)
    assert [call.sql for call in trace.queries[traces.MOST :]] == ["SELECT 2"] * traces.MOST_SLOW


def test_an_observer_that_fails_spoils_no_answer_and_is_logged_once(client, caplog, monkeypatch):
    def broken(trace: Trace, seconds: float) -> None:
        raise LookupError("observer")

    monkeypatch.setattr(traces, "ended", [broken])
    assert [client.get("/small").status_code for _ in range(2)] == [200, 200]
    assert [record.levelno for record in caplog.records if record.name == "perf.traces"] == [logging.ERROR]


@pytest.mark.req("A96", "A98")
@pytest.mark.both_dbs
def test_requests_are_recorded_per_route_and_status(client):
    client.raise_request_exception = False
    for address in ("/asking", "/asking", "/failing", "/nowhere", "/stream"):
        client.get(address)
    client.generic("BREW", "/small")
    storing.keep()
    now = reading.window("1h")
    found = {labels.get("route"): one for labels, one in reading.totals("request", now).items()}
    assert {route.rpartition(".")[2]: one.count for route, one in found.items()} == {
        "asking": 2,
        "failing": 1,
        "(none)": 1,
        "stream": 1,
        "small": 1,
    }
    asking = {"route": "tests.perf.urls.asking", "method": "GET", "status": "200"}
    (queries,) = reading.totals("request.queries", now, **asking).values()
    (size,) = reading.totals("request.bytes", now, **asking).values()
    assert (queries.count, queries.least, queries.most, size.total) == (2, 6, 6, 10)
    (database,) = reading.totals("request.database", now, **asking).values()
    assert 0 < database.total < found["tests.perf.urls.asking"].total
    assert not reading.totals("request.bytes", now, route="tests.perf.urls.stream")
    assert {labels.get("status") for labels in reading.totals("request", now)} == {"200", "404", "500"}
    assert reading.totals("request", now, method="OTHER").keys() == {
        Labels.of({"route": "tests.perf.urls.small", "method": "OTHER", "status": "200"})
    }


def test_without_monitoring_nothing_is_recorded(client, settings):
    settings.ENABLE_MONITORING = False
    client.get("/small")
    cached(Family("tides-unmeasured", timeout=60), "today", lambda: b"high")
    tasks_of_a_test.works.apply()
    recording.record("task.run", 1.0)
    assert recording.drained().series == {}
