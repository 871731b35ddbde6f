"""Schema drift: found by share and number, paused, probed by few, and caught up with."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import Any

import pytest

from accounts.models import Account
from perf import clock
from scraping import alerts, drift, ledger, pauses, watching
from scraping.connectors.base import Missing
from scraping.gather import gather
from scraping.models import Alert, PlatformState, ScrapeJob
from scraping.outcomes import CIRCUIT_FAILURES, OK, Waiting
from tests import factories
from tests.scraping.watching import tried

both = pytest.mark.both_dbs
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _only_drift(monkeypatch: Any) -> None:
    monkeypatch.setattr(watching, "CONDITIONS", {Alert.Kind.SCHEMA_DRIFT: drift.problems})


def answers(unread: int, read: int, platform: str = "flickr", **when: Any) -> None:
    for _ in range(unread):
        tried(platform, Missing.UNPARSABLE, **when)
    for _ in range(read):
        tried(platform, OK, **when)


def drifted() -> list[str]:
    return [problem.platform for problem in drift.problems()]


def pause_of(platform: str) -> PlatformState | None:
    return PlatformState.objects.paused().filter(platform=platform, host="").first()


# --- Finding it


@both
@pytest.mark.parametrize(("unread", "read", "found"), [(10, 10, True), (9, 11, False), (19, 1, True), (9, 9, False)])
def test_half_of_twenty_accounts_unreadable_is_drift(unread: int, read: int, found: bool) -> None:
    answers(unread, read)
    assert drifted() == (["flickr"] if found else [])
    state = pause_of("flickr")
    assert (state is not None and state.why == Waiting.SCHEMA_DRIFT) is found


@both
@pytest.mark.parametrize(("unread", "read", "found"), [(3, 0, True), (2, 0, False), (4, 1, False)])
def test_a_small_platform_drifts_when_nothing_of_it_can_be_read(unread: int, read: int, found: bool) -> None:
    answers(unread, read)
    assert drifted() == (["flickr"] if found else [])


def test_a_few_of_many_accounts_are_no_drift() -> None:
    for _ in range(50):
        factories.account("flickr")
    answers(unread=5, read=0)
    assert drifted() == []


def test_one_odd_account_asked_for_again_and_again_is_no_drift() -> None:
    odd = factories.account("flickr")
    for _ in range(30):
        tried("flickr", Missing.UNPARSABLE, of=odd)
    assert drifted() == []


def test_walls_and_time_outs_say_nothing_of_the_shape() -> None:
    for outcome in [Missing.BLOCKED] * 20 + ["timeout"] * 20 + ["server_error"] * 20:
        tried("flickr", outcome)
    answers(unread=2, read=0)
    assert drifted() == []


def test_what_was_unreadable_six_hours_ago_is_over() -> None:
    answers(20, 0, at=clock.now() - timedelta(hours=6, minutes=1))
    assert drifted() == []


def test_one_platforms_drift_pauses_no_other() -> None:
    answers(20, 0)
    answers(0, 20, platform="x")
    assert drifted() == ["flickr"]
    assert pause_of("x") is None


# --- Until it is over


@both
def test_a_person_ends_the_pause_and_what_was_not_read_is_asked_for_again() -> None:
    answers(20, 3)
    mended = tried("flickr", Missing.UNPARSABLE).account
    tried("flickr", OK, of=mended)
    alerts.evaluate()
    assert drift.stands("flickr")
    pauses.resume("flickr", None)
    alerts.evaluate()
    assert not drift.stands("flickr")
    assert pause_of("flickr") is None
    again = ScrapeJob.objects.open()
    assert again.count() == 20
    assert not again.filter(account=mended).exists()
    alerts.evaluate()
    assert not drift.stands("flickr")


def test_without_an_answer_the_drift_stands_after_its_rest() -> None:
    answers(20, 0)
    alerts.evaluate()
    with clock.shifted(drift.REST + timedelta(minutes=1)):
        alerts.evaluate()
        assert drift.stands("flickr")
        assert pause_of("flickr") is None


def test_a_probe_asks_for_a_few_accounts_and_rests_again(fakes: Any) -> None:
    _drift("flickr", fakes)
    asked = len(fakes.served("flickr")[0]["times"])
    with clock.shifted(drift.REST + timedelta(minutes=1)):
        ledger.request_scrape(Account.objects.all(), None)
        gather("flickr", monotonic() + 30)
        assert len(fakes.served("flickr")[0]["times"]) - asked == drift.PROBE
        alerts.evaluate()
        assert drift.stands("flickr")
        assert pause_of("flickr")
        assert ScrapeJob.objects.open().count() == 20 - drift.PROBE


def test_a_probe_that_can_be_read_ends_the_drift_and_nothing_is_lost(fakes: Any) -> None:
    _drift("flickr", fakes)
    fakes.set(reset=True)
    with clock.shifted(drift.REST + timedelta(minutes=1)):
        ledger.request_scrape(Account.objects.filter(handle__startswith="name1"), None)
        gather("flickr", monotonic() + 30)
        alerts.evaluate()
        assert not drift.stands("flickr")
        gather("flickr", monotonic() + 60)
        newest = [ScrapeJob.objects.filter(account=one).latest("pk") for one in Account.objects.all()]
        assert {(job.state, job.outcome) for job in newest} == {("done", OK)}


def test_probes_of_a_worker_whose_clock_is_behind_are_judged_too(monkeypatch: Any, fakes: Any) -> None:
    _drift("flickr", fakes)
    with clock.shifted(drift.REST + timedelta(minutes=1)):
        ledger.request_scrape(Account.objects.all(), None)
        right = clock.now
        with monkeypatch.context() as worker:
            worker.setattr(clock, "now", lambda: right() - timedelta(hours=1))
            gather("flickr", monotonic() + 30)
        assert pause_of("flickr")


def test_a_call_that_came_through_is_no_persons_word_that_the_drift_is_over(fakes: Any) -> None:
    _drift("flickr", fakes)
    with clock.shifted(drift.REST + timedelta(minutes=1)):
        pauses.count("flickr", [True] * CIRCUIT_FAILURES)
    with clock.shifted(drift.REST + timedelta(minutes=3)):
        ledger.request_scrape(Account.objects.all(), None)
        gather("flickr", monotonic() + 30)
        alerts.evaluate()
        assert drift.stands("flickr")


def _drift(platform: str, fakes: Any) -> None:
    """Twenty accounts of `platform`, none of which could be read."""
    for number in range(20):
        factories.account(platform, f"name{number}")
    fakes.fault("drift", platform)
    ledger.request_scrape(Account.objects.all(), None)
    gather(platform, monotonic() + 60)
    alerts.evaluate()
    assert drift.stands(platform)
    assert pause_of(platform)
