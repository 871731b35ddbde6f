"""What measuring costs is measured too, and limited."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from perf import flushing, overhead, reading, recording, storing, traces
from perf.series import Labels

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.perf.urls")]


@pytest.fixture
def at(monkeypatch):
    """Sets the stopwatch of the limit; it begins at 0."""

    def set_to(seconds: float) -> None:
        monkeypatch.setattr("perf.overhead.monotonic", lambda: seconds)

    monkeypatch.setattr(overhead._Watch, "since", 0.0)
    monkeypatch.setattr(overhead._Watch, "rests_until", 0.0)
    monkeypatch.setattr(traces.Detail, "wanted", True)
    return set_to


def listed() -> tuple[int, int]:
    with traces.traced("plan") as trace:
        list(Group.objects.all())
    return len(trace.queries), trace.count


def test_above_its_limit_it_lists_no_queries_for_a_while_and_says_so(at, settings, caplog):
    settings.PERF_MAX_SHARE = 0.05
    at(10)
    assert overhead.settle(0.4) == 0.04
    assert listed() == (1, 1)
    at(20)
    assert overhead.settle(0.6) == 0.06
    assert listed() == (0, 1)
    at(25)
    overhead.settle(0.6)
    at(50)
    overhead.settle(0.1)
    assert listed() == (0, 1)
    at(86)
    overhead.settle(0.1)
    assert listed() == (1, 1)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "perf.overhead"]
    assert "6.0 % of a core" in line
    storing.keep()
    assert reading.counts("perf.shed", reading.window("1h")) == {Labels.of({"what": "traces"}): 1}


def test_what_a_request_cost_to_measure_is_recorded(client, at):
    client.get("/asking")
    flushing.flush()
    (own,) = reading.totals("perf.overhead", reading.window("1h")).values()
    assert (own.count, 0 < own.total < 1) == (1, True)


def test_series_and_values_beyond_the_limits_are_shed_and_counted(settings, monkeypatch):
    settings.PERF_MAX_SERIES = 3
    for number in range(5):
        recording.count("visits", route=str(number))
    recording.record("task.run", -1.0)
    recording.record("task.run", float("nan"), task="plan")
    recording.count("visits", -1, route="0")
    monkeypatch.setattr(recording, "MOST_WAITING", 2)
    for _ in range(3):
        recording.gauge("database.bytes", 1)
    storing.keep()
    assert len(reading.counts("visits", reading.window("1h"))) == 3
    assert reading.totals("task.run", reading.window("1h")) == {}
    shed = {labels.get("what"): many for labels, many in reading.counts("perf.shed", reading.window("1h")).items()}
    assert shed == {"series": 4, "values": 4}
