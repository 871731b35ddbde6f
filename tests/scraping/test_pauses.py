"""Pauses: counted on the database's clock, one per burst, and a circuit that one probing call closes or lengthens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from perf import clock
from scraping import ledger, pauses
from scraping.models import JobState, PlatformState, ScrapeJob
from scraping.outcomes import CIRCUIT_FAILURES, CIRCUIT_REST, LONGEST_CIRCUIT_REST, PROBE, Waiting
from tests.factories import account, user
from tests.scraping.promising import request

both = pytest.mark.both_dbs
SECOND = timedelta(seconds=1)


def state() -> PlatformState:
    return PlatformState.objects.get(platform="x", host="")


def fail(calls: int = CIRCUIT_FAILURES) -> None:
    pauses.count("x", [True] * calls)


def rest() -> timedelta:
    """How long the platform is still left alone."""
    left: timedelta = state().paused_until - clock.now()
    return left


@pytest.fixture
def wrong_clock(monkeypatch: Any) -> timedelta:
    """This process's clock, an hour ahead of the database's."""
    right, ahead = clock.now, timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: right() + ahead)
    return ahead


@both
def test_a_worker_whose_clock_is_wrong_pauses_for_as_long_as_any_other(db: None, wrong_clock: timedelta) -> None:
    pauses.pause("x", clock.now() + timedelta(minutes=5), Waiting.QUOTA)
    assert timedelta(minutes=4, seconds=55) < rest() + wrong_clock <= timedelta(minutes=5)
    until = pauses.refused("x", clock.now(), 600)
    assert timedelta(minutes=9, seconds=55) < rest() + wrong_clock <= timedelta(minutes=10)
    assert timedelta(minutes=9, seconds=55) < until - clock.now() <= timedelta(minutes=10)


def test_a_burst_is_one_event_whatever_the_clocks_of_those_who_saw_it(db: None, wrong_clock: timedelta) -> None:
    started = clock.now()
    for _ in range(3):
        pauses.refused("x", started, 30)
    assert state().pauses == 1
    pauses.refused("x", clock.now() + SECOND, 30)
    assert state().pauses == 2


@both
def test_after_the_rest_one_worker_probes_and_the_others_wait(db: None) -> None:
    request(*(account() for _ in range(5)))
    fail()
    assert ledger.claim("x", 5) == []
    with clock.shifted(CIRCUIT_REST + SECOND):
        assert [name for name, _ in ledger.waiting_platforms(["x"])] == ["x"]
        assert len(ledger.claim("x", 5)) == 1
        assert state().why == Waiting.PROBING
        assert ledger.claim("x", 5) == []


def test_a_good_probe_lets_everybody_in(db: None) -> None:
    request(*(account() for _ in range(5)))
    fail()
    with clock.shifted(CIRCUIT_REST + SECOND):
        ledger.claim("x", 5)
        pauses.count("x", [False])
        assert (state().why, state().openings) == ("", 0)
        assert len(ledger.claim("x", 5)) == 4


def test_each_failed_probe_doubles_the_rest_up_to_an_hour(db: None) -> None:
    request(account())
    fail()
    rests = []
    later = timedelta(0)
    for _ in range(9):
        with clock.shifted(later):
            rests.append(rest())
            later += rests[-1] + SECOND
        with clock.shifted(later):
            [job] = ledger.claim("x", 5)
            ScrapeJob.objects.filter(pk=job.pk).update(state=JobState.DUE, lease_until=None)
            fail(1)
    seconds = [round(one.total_seconds()) for one in rests]
    assert seconds == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert LONGEST_CIRCUIT_REST.total_seconds() == seconds[-1]


def test_fifty_failures_in_flight_open_the_circuit_once(db: None) -> None:
    for _ in range(10):
        fail()
    assert state().openings == 1
    assert rest() <= CIRCUIT_REST


def test_the_probe_of_a_worker_that_died_is_made_by_another(db: None) -> None:
    request(account(), account())
    fail()
    with clock.shifted(CIRCUIT_REST + SECOND):
        assert len(ledger.claim("x", 5)) == 1
    with clock.shifted(CIRCUIT_REST + PROBE + 2 * SECOND):
        assert len(ledger.claim("x", 5)) == 1


@both
def test_without_a_due_job_no_probe_is_taken(db: None) -> None:
    fail()
    with clock.shifted(CIRCUIT_REST + SECOND):
        assert ledger.claim("x", 5) == []
        assert state().why == Waiting.CIRCUIT
        request(account())
        assert len(ledger.claim("x", 5)) == 1


def test_a_person_ends_the_rest_and_the_failures_with_it(db: None) -> None:
    request(*(account() for _ in range(3)))
    fail()
    pauses.resume("x", user("editor"))
    assert len(ledger.claim("x", 5)) == 3
