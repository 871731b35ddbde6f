"""Examples: the slowest requests of a route and one at random, with what they asked and where."""

from __future__ import annotations

from datetime import timedelta

import pytest

from perf import clock, exemplars, reading, storing
from perf.examples import Examples
from perf.traces import Trace

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs, pytest.mark.urls("tests.perf.urls")]

ROUTE = "tests.perf.urls.asking"


def taken(*seconds: float, what: str = "plan") -> None:
    for some in seconds:
        exemplars.consider(Trace(what, "GET", "200"), some)


def seconds_of(found: Examples | None) -> list[float]:
    assert found is not None
    return [one.seconds for one in found.worst]


@pytest.mark.parametrize("rolled_up", [False, True])
def test_the_slowest_and_one_at_random_survive_every_merge(rolled_up):
    for some in ([1.0, 9.0, 2.0], [8.0], [3.0, 7.0], [0.5]):
        taken(*some)
        storing.keep()
        if rolled_up:
            storing.roll_up()
    for period in ("1h", "24h", "30d"):
        found = exemplars.of("plan", reading.window(period))
        assert seconds_of(found) == [9.0, 8.0, 7.0]
        assert found.drawn.seconds in {1.0, 9.0, 2.0, 8.0, 3.0, 7.0, 0.5}
    assert exemplars.of("prune", reading.window("1h")) is None


def test_an_example_tells_queries_lines_and_times_and_no_value(client):
    client.get("/asking")
    storing.keep()
    (example,) = exemplars.of(ROUTE, reading.window("1h")).worst
    (asked,) = example.queries
    assert (asked.times, example.count, example.status, example.method) == (6, 6, "200", "GET")
    assert (asked.file, asked.function) == ("tests/perf/urls.py", "asking")
    assert '"auth_group"."name" = ?' in asked.sql
    assert 0 < asked.seconds == pytest.approx(example.database)
    assert clock.now() - example.ended < timedelta(minutes=1)


def test_each_hour_has_its_own_examples_and_loses_none():
    taken(9.0)
    with clock.shifted(timedelta(hours=1)):
        taken(2.0)
        storing.keep()
        assert seconds_of(exemplars.of("plan", reading.window("24h"))) == [9.0, 2.0]


def test_the_one_at_random_is_any_of_them(monkeypatch):
    lots = iter([0.5, 0.1, 0.7, 0.3])
    monkeypatch.setattr("perf.exemplars.random", lambda: next(lots))
    taken(1.0, 2.0)
    storing.keep()
    storing.roll_up()
    taken(3.0, 4.0)
    storing.keep()
    storing.roll_up()
    assert exemplars.of("plan", reading.window("1h")).drawn.seconds == 2.0


def test_routes_without_end_keep_a_bounded_number():
    for number in range(exemplars.MOST_ROUTES + 10):
        taken(1.0, what=f"route {number}")
    assert len(exemplars.gathered()) == exemplars.MOST_ROUTES
    assert exemplars.gathered() == {}
