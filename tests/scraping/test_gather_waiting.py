"""A worker's turn that has to wait for its platform, and how many turns share what is allowed."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from time import monotonic
from typing import Any

import pytest

from accounts.models import Account
from perf import clock
from scraping import billing, condition, limits, pauses, settling
from scraping import gather as gathering
from scraping.connectors import CONNECTORS
from scraping.connectors.base import CallFailed, Missing, Trouble, Window
from scraping.fetch import Fetcher
from scraping.gather import gather
from scraping.models import Attempt, JobState, PermitBlock, PlatformState, ScrapeJob
from scraping.outcomes import OK, Waiting
from tests.factories import account
from tests.scraping.turns import outcome, request, turn

both = pytest.mark.both_dbs
pytestmark = pytest.mark.usefixtures("gathering_world")


# --- What the platform waits for


def test_a_dead_token_stops_the_platform_and_loses_nothing(fakes: Any) -> None:
    one = account("x", "cdcgov")
    fakes.fault("dead_token", "x", times=1)
    request(one)
    turn("x")
    job = ScrapeJob.objects.with_reasons().get(account=one)
    assert (job.state, job.why, job.attempts) == (JobState.DUE, Trouble.DEAD_TOKEN, 0)
    assert job.waits_until > clock.now()
    with clock.shifted(timedelta(minutes=6)):
        turn("x")
    assert outcome(one) == (JobState.DONE, OK)


@pytest.mark.parametrize("platform", ["truth_social", "bluesky"])
def test_a_platform_that_wants_a_credential_has_refused_none(fakes: Any, platform: str) -> None:
    fakes.fault("status", platform, value=401)
    one = account(platform, "nasa.bsky.social" if platform == "bluesky" else "cdc")
    request(one)
    turn(platform)
    assert outcome(one) == (JobState.FAILED, Trouble.NO_CREDENTIAL)
    assert PlatformState.objects.get(platform=platform).why == Trouble.NO_CREDENTIAL


@pytest.mark.parametrize(
    ("platform", "missing", "why"),
    [
        ("x", {"X_MONTHLY_BUDGET_USD": None}, Waiting.NO_BUDGET),
        ("x", {"X_MONTHLY_BUDGET_USD": 0.005}, Waiting.BUDGET_SPENT),
    ],
)
def test_what_is_not_set_is_waited_for_by_name(
    fakes: Any, settings: Any, platform: str, missing: dict[str, Any], why: str
) -> None:
    for name, value in missing.items():
        setattr(settings, name, value)
    one = account(platform, "cdcgov")
    request(one)
    turn(platform)
    assert ScrapeJob.objects.with_reasons().get(account=one).why == why
    assert fakes.served(platform) == []


def test_a_call_that_found_nobody_is_not_paid_for() -> None:
    assert paid(read_today(account("x"), outcome="timeout")) == frozenset()


def test_a_renamed_account_is_another_user_to_pay_for() -> None:
    one = read_today(account("x"))
    assert paid(one) == {one.pk}
    one.rename("somebody_else")
    assert paid(one) == frozenset()


def read_today(one: Account, outcome: str = OK) -> Account:
    """One with a try that was answered, of a job that came to `outcome`."""
    request(one)
    job, now = ScrapeJob.objects.get(account=one), clock.now()
    ScrapeJob.objects.filter(pk=job.pk).update(started_at=now, outcome=outcome)
    Attempt.objects.create(job=job, account=one, platform="x", step="ids", started_at=now, seconds=0.1, outcome=OK)
    return one


def paid(one: Account) -> frozenset[int]:
    return billing.paid_on("x", clock.now().date(), [one.pk])


@pytest.mark.parametrize("says", [None, "usage-capped"])
def test_credits_that_are_used_up_are_bought_not_budgeted(fakes: Any, says: str | None) -> None:
    fakes.fault("budget_spent", "x", value=says)
    request(account("x", "cdcgov"))
    turn("x")
    found = condition.conditions(["x"])["x"]
    assert "credits" in found.why
    assert found.todo == "Buy credits from the platform, then resume."


def test_a_raised_budget_is_used_though_the_month_is_not_over(settings: Any) -> None:
    settings.X_MONTHLY_BUDGET_USD = 0.005
    one = account("x", "cdcgov")
    request(one)
    turn("x")
    settings.X_MONTHLY_BUDGET_USD = 100.0
    with clock.shifted(timedelta(hours=1, seconds=1)):
        turn("x")
    assert outcome(one) == (JobState.DONE, OK)


def test_a_row_that_waits_for_quota_says_until_when(monkeypatch: Any) -> None:
    monkeypatch.setattr(type(CONNECTORS["flickr"]), "windows", (Window(calls=3, seconds=3600),))
    request(*(account("flickr") for _ in range(5)))
    assert turn("flickr") == 3
    waiting = list(ScrapeJob.objects.open().with_reasons())
    assert [job.why for job in waiting] == [Waiting.QUOTA] * 2
    assert all(timedelta(minutes=59) < job.waits_until - clock.now() <= timedelta(hours=1) for job in waiting)
    with clock.shifted(timedelta(hours=1, seconds=1)):
        assert turn("flickr") == 2


def test_a_host_at_rest_is_left_alone_by_later_turns_too(fakes: Any, monkeypatch: Any) -> None:
    flickr, host = type(CONNECTORS["flickr"]), "www.flickr.com"
    batches = flickr.batches
    monkeypatch.setattr(flickr, "per_host", True)
    monkeypatch.setattr(flickr, "batches", lambda *args: [replace(one, host=host) for one in batches(*args)])
    pauses.pause("flickr", clock.now() + timedelta(minutes=5), Waiting.RATE_LIMITED, host=host)
    request(one := account("flickr", "nasa"))
    turn("flickr")
    job = ScrapeJob.objects.with_reasons().get(account=one)
    assert (job.state, job.why) == (JobState.DUE, Waiting.RATE_LIMITED)
    assert timedelta(minutes=4, seconds=55) < job.due_at - clock.now() <= timedelta(minutes=5)
    assert fakes.served("flickr") == []
    with clock.shifted(timedelta(minutes=6)):
        turn("flickr")
    assert outcome(one) == (JobState.DONE, OK)


def test_a_platforms_headers_correct_the_ledger(monkeypatch: Any) -> None:
    from scraping.connectors.base import Quota

    monkeypatch.setattr(type(CONNECTORS["flickr"]), "quota", lambda *_: Quota(remaining=0, reset_seconds=600))
    request(account("flickr", "first"))
    turn("flickr")
    request(account("flickr", "second"))
    assert turn("flickr") == 0
    assert PlatformState.objects.get(platform="flickr").why == Waiting.QUOTA


def test_money_is_metered_per_user_returned_and_day(fakes: Any) -> None:
    there, absent = account("x", "cdcgov"), account("x", "nosuchuser")
    request(there, absent)
    turn("x")
    assert limits.spent_dollars("x", clock.now()) == Decimal("0.01")
    request(there)
    turn("x")
    assert limits.spent_dollars("x", clock.now()) == Decimal("0.01")
    with clock.shifted(timedelta(days=1)):
        request(there)
        turn("x")
    assert sum(block.dollars for block in PermitBlock.objects.all()) == Decimal("0.02")


@pytest.mark.parametrize(("fault", "reason"), [("hidden", Missing.UNPARSABLE), ("", Missing.REASSIGNED)])
def test_a_user_returned_without_a_figure_of_use_costs_money_too(fakes: Any, fault: str, reason: Missing) -> None:
    one = account("x", "cdcgov", external_id="1")
    if fault:
        fakes.fault(fault, "x", "cdcgov")
    request(one)
    turn("x")
    assert outcome(one)[1] == reason
    assert limits.spent_dollars("x", clock.now()) == Decimal("0.01")


def test_without_redis_nothing_is_fetched_and_nothing_lost(fakes: Any, settings: Any) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    one = account("x", "cdcgov")
    request(one)
    turn("x")
    job = ScrapeJob.objects.with_reasons().get(account=one)
    assert (job.state, job.why) == (JobState.DUE, Waiting.LIMITS_UNAVAILABLE)
    assert fakes.served("x") == []


# --- Doing many things at once


@pytest.mark.req("A60", "A62", "A73")
def test_as_many_calls_are_in_flight_as_the_setting_says(fakes: Any, settings: Any) -> None:
    settings.SCRAPE_WORKERS = 5
    fakes.set(latency=[0.3, 0.3])
    request(*(account("flickr") for _ in range(15)))
    before = monotonic()
    assert turn("flickr") == 15
    assert fakes.most_at_once() == 5
    assert monotonic() - before < 15 * 0.3


@pytest.mark.req("A60")
def test_a_slow_account_holds_nobody_up(settings: Any, monkeypatch: Any) -> None:
    """More accounts than may be held at once are read while one call lasts: only a claim goes by no slow one."""
    settings.SCRAPE_WORKERS = 2
    slow, quick = account("flickr", "slow"), [account("flickr") for _ in range(3 * gathering.ROUNDS_HELD * 2)]
    fetch, over = Fetcher.fetch, threading.Event()
    came_about: list[bool] = []

    async def waiting(self: Any, call: Any, **more: Any) -> Any:
        answer = await fetch(self, call, **more)
        if "slow" in call.url:
            came_about.append(await asyncio.to_thread(over.wait, 20))
        return answer

    settle = settling.settle
    settled: set[int] = set()

    def noting(results: Any, worker: str) -> int:
        settled.update(result.job.account_id for result in results)
        if settled >= {one.pk for one in quick}:
            over.set()
        return settle(results, worker)

    monkeypatch.setattr(Fetcher, "fetch", waiting)
    monkeypatch.setattr(settling, "settle", noting)
    request(slow, *quick)
    assert turn("flickr") == len(quick) + 1
    assert came_about == [True]


@pytest.mark.req("A61")
def test_reading_a_large_body_leaves_the_event_loop_free(monkeypatch: Any) -> None:
    """The reader of the first body waits for the second call, which only a free event loop can make."""
    connector = CONNECTORS["flickr"]
    parse, second_was_made = type(connector).parse, threading.Event()

    def slow(self: Any, batch: Any, response: Any) -> Any:
        if batch.handles == ("large",):
            assert second_was_made.wait(10)
        second_was_made.set()
        return parse(self, batch, response)

    monkeypatch.setattr(type(connector), "parse", slow)
    monkeypatch.setattr(gathering, "LARGE_BODY", 10)
    large, small = account("flickr", "large"), account("flickr", "small")
    request(large, small)
    turn("flickr")
    assert [outcome(large), outcome(small)] == [(JobState.DONE, OK)] * 2


def test_a_turn_that_is_over_gives_back_what_it_holds(fakes: Any) -> None:
    request(account("flickr"))
    assert gather("flickr", monotonic() - 1) == 0
    assert ScrapeJob.objects.get().state == JobState.DUE


def test_a_refusal_that_repeats_the_credential_is_kept_without_it(monkeypatch: Any, fakes: Any) -> None:
    def refuse(*_: Any) -> Any:
        raise CallFailed(Trouble.REFUSED, "Malformed access token x-token")

    monkeypatch.setattr(type(CONNECTORS["x"]), "parse", refuse)
    request(account("x", "cdcgov"))
    turn("x")
    assert Attempt.objects.get().detail == "Malformed access token [credential removed]"
