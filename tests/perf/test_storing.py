"""What was recorded, from the memory of a process into the tables and back: nothing lost, nothing counted twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, router
from django.utils import timezone

from perf import clock, exemplars, flushing, reading, recording, storing, traces
from perf.models import DAYS, HOURS, MINUTES, RINGS, Arrival
from perf.series import Labels
from perf.traces import Trace

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

PERIODS = ["1h", "24h", "30d"]


def counted(name: str, period: str = "1h") -> int:
    return sum(reading.counts(name, reading.window(period)).values())


@pytest.mark.parametrize("rolled_up", [False, True])
@pytest.mark.parametrize("period", PERIODS)
def test_what_was_recorded_is_read_back_by_its_labels(period, rolled_up):
    recording.record("task.run", 0.5, task="plan", queue="control")
    recording.record("task.run", 1.5, queue="control", task="plan")
    recording.record("task.run", 4.0, task="prune", queue="control")
    recording.count("task.retries", 3, task="plan")
    recording.gauge("database.bytes", 7_000)
    storing.keep()
    if rolled_up:
        storing.roll_up()
    window = reading.window(period)
    found = reading.totals("task.run", window)
    plan = found[Labels.of({"task": "plan", "queue": "control"})]
    assert (len(found), plan.count, plan.total, plan.most) == (2, 2, 2.0, 1.5)
    assert set(reading.totals("task.run", window, task="prune")) == {Labels.of({"task": "prune", "queue": "control"})}
    assert counted("task.retries", period) == 3
    (now,) = reading.levels("database.bytes", window)[Labels()]
    assert now[1] == 7_000
    steps = reading.timeline("task.run", window)
    assert [None if one is None else one.count for _, one in steps] == [None] * (len(steps) - 1) + [3]
    assert reading.count_timeline("task.retries", window)[-1][1] == 3
    assert reading.count_timeline("task.retries", window)[0][1] is None


def test_every_flush_counts_once_however_often_it_is_rolled_up():
    for round_ in range(3):
        recording.count("visits", 2, route="a")
        storing.keep()
        if round_ != 1:
            storing.roll_up()
            storing.roll_up()
    assert [counted("visits", period) for period in PERIODS] == [6, 6, 6]
    assert not Arrival.objects.exists()


@pytest.mark.parametrize(
    ("seconds", "apart", "minutes"), [(5, 5, [9, 10]), (60, 60, [9, 10]), (5, 600, [10, 20]), (0, 5, [10, 10])]
)
def test_what_is_passed_on_as_a_minute_ends_counts_in_that_minute(monkeypatch, settings, seconds, apart, minutes):
    """Where nothing was passed on lately, nobody knows when it was recorded: it counts as it is passed on."""
    settings.PERF_FLUSH_SECONDS = seconds
    ends = datetime(2026, 11, 23, 13, 10, 0, 20_000, tzinfo=UTC)
    found = []
    for since in (-apart, 0, apart):
        monkeypatch.setattr(clock, "now", lambda since=since: ends + timedelta(seconds=since))
        found.append(recording.drained().minute.minute)
    assert found[1:] == minutes


def test_a_roll_up_reads_what_it_empties_whatever_others_read(monkeypatch):
    class Replica:
        def db_for_read(self, *_: object, **__: object) -> str:
            return "replica, of a moment ago"

    recording.count("visits")
    storing.keep()
    with monkeypatch.context() as routed:
        routed.setattr(router, "routers", [Replica()])
        storing.roll_up()
    assert counted("visits") == 1
    assert not Arrival.objects.exists()


def test_what_comes_late_joins_its_own_hour():
    with clock.shifted(timedelta(hours=-3)):
        recording.count("visits")
        storing.keep()
    recording.count("visits", 10)
    storing.keep()
    storing.roll_up()
    steps = [many for _, many in reading.count_timeline("visits", reading.window("24h"))]
    assert (steps[-1], steps[-4], counted("visits", "30d")) == (10, 1, 11)


@pytest.mark.parametrize("step", [timedelta(days=1), -timedelta(days=1), timedelta(days=400), -timedelta(days=400)])
def test_a_process_with_a_wrong_clock_empties_no_table(step, monkeypatch):
    """What the others recorded stays where it is, whoever rolls up; what it recorded itself is not lost."""
    for hours in (40, 20, 0):
        with clock.shifted(-timedelta(hours=hours)):
            recording.count("visits")
            storing.keep()
    storing.roll_up()
    kept = {table: table.objects.count() for ring in RINGS for table in ring.tables}
    real = timezone.now
    with monkeypatch.context() as stepped:
        stepped.setattr(timezone, "now", lambda: real() + step)
        recording.count("visits", 10)
        storing.keep()
        storing.roll_up()
    assert all(table.objects.count() >= many for table, many in kept.items())
    ahead = step > timedelta(0)
    assert counted("visits", "24h") == (12 if ahead else 2)
    assert counted("visits", "7d") == (13 if step > -timedelta(days=7) else 3)


def test_a_period_is_dropped_by_emptying_its_table():
    recording.count("visits")
    storing.keep()
    storing.roll_up()
    old = MINUTES.table(MINUTES.period(clock.now()))
    assert old.objects.count() == 1
    with clock.shifted(MINUTES.span * len(MINUTES.tables)):
        recording.count("visits", 5)
        storing.keep()
        storing.roll_up()
        assert old.objects.count() == 1  # the new minute; the table went round
        assert counted("visits") == 5
        assert counted("visits", "7d") == 6  # the hours have not


@pytest.mark.parametrize(("ring", "kept"), [(MINUTES, 2), (HOURS, 90), (DAYS, 730)])
def test_a_ring_keeps_at_least_what_is_promised(ring, kept):
    starts = [datetime(2026, 11, 1, tzinfo=UTC) + number * ring.span / 3 for number in range(30)]
    for now in starts:
        assert now - ring.since(now) >= timedelta(days=kept)
        tables = [ring.table(ring.since(now) + number * ring.span) for number in range(len(ring.tables))]
        assert len(set(tables)) == len(ring.tables)  # no two kept spans meet in one table
        assert set(ring.over(ring.since(now), now)) == set(tables)


def test_a_database_that_is_away_delays_and_loses_nothing(monkeypatch, caplog):
    def away(*_: object) -> None:
        raise DatabaseError("the server closed the connection")

    recording.count("visits")
    with monkeypatch.context() as broken:
        broken.setattr("perf.tables.Tables.append", away)
        flushing.flush()
        recording.count("visits", 2)
        flushing.flush()
    assert [line.getMessage() for line in caplog.records if line.name == "perf.flushing"] == [
        "perf.storing.keep failed and will be tried again: DatabaseError: the server closed the connection"
    ]
    flushing.flush()
    assert counted("visits") == 3
    assert "works again" in caplog.text


def test_a_route_with_a_long_name_is_kept_and_holds_nothing_up():
    """The name of a view without one is its dotted path, as long as that is."""
    route = "harbour." * 20 + "berths"
    traces.tell(Trace(route), 0.5)
    recording.record(route, 0.5)
    recording.count("visits")
    storing.keep()
    assert exemplars.of(route, reading.window("1h")).worst[0].seconds == 0.5
    assert counted("visits") == 1


def test_a_label_that_is_no_text_is_written_as_one_and_holds_nothing_up():
    recording.record("task.run", 0.5, task=["plan"])
    recording.count("visits")
    storing.keep()
    assert reading.totals("task.run", reading.window("1h")).keys() == {Labels.of({"task": "['plan']"})}
    assert counted("visits") == 1


def test_what_waits_for_the_database_is_bounded_and_says_what_was_shed(monkeypatch):
    def away(*_: object) -> None:
        raise DatabaseError

    with monkeypatch.context() as broken:
        broken.setattr("perf.tables.Tables.append", away)
        for minute in range(storing.BACKLOG_MINUTES + 2):
            with clock.shifted(timedelta(minutes=minute)):
                recording.count("visits")
                with pytest.raises(DatabaseError):
                    storing.keep()
    storing.keep()
    with clock.shifted(timedelta(minutes=storing.BACKLOG_MINUTES)):
        assert counted("visits", "24h") == storing.BACKLOG_MINUTES
        assert reading.counts("perf.shed", reading.window("24h")) == {Labels.of({"what": "backlog"}): 2}


def test_in_memory_mode_the_process_reads_its_own(settings, django_assert_num_queries):
    settings.PERF_STORE = "memory"
    with django_assert_num_queries(0):
        for _ in range(2):
            recording.record("task.run", 0.5, task="plan")
            recording.count("visits")
            flushing.flush()
        for period in PERIODS:
            (found,) = reading.totals("task.run", reading.window(period)).values()
            assert (found.count, counted("visits", period)) == (2, 2)


def test_all_names_are_known():
    recording.count("visits")
    storing.keep()
    assert reading.names() == {"visits"}
    storing.roll_up()
    assert reading.names() == {"visits"}
