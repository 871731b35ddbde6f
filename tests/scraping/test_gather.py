"""A worker's turn at a platform, over real HTTP against the fake platforms."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from django.conf import settings as project_settings
from django.db.models import Sum

from accounts.models import Account
from accounts.platforms import find_platform, parse_profile_url
from perf import clock
from scraping import errands, ledger, limits
from scraping.connectors import CONNECTORS
from scraping.connectors.base import Missing, Trouble, Window
from scraping.fakes import curves
from scraping.fetch import Fetcher
from scraping.gather import gather
from scraping.models import Attempt, JobState, PermitBlock, PlatformState, Sample, ScrapeJob, ScrapeRun
from scraping.outcomes import OK, Ended, Waiting
from snapshots.models import Snapshot
from tests.factories import account, organization, snapshot
from tests.scraping.turns import outcome, request, truth, turn

both = pytest.mark.both_dbs
pytestmark = pytest.mark.usefixtures("gathering_world")


# --- From a promise to a figure


@both
@pytest.mark.req("A86")
def test_the_whole_roster_gets_the_platforms_own_figures_or_a_reason() -> None:
    roster = json.loads((Path(project_settings.BASE_DIR) / "accounts" / "demo_roster.json").read_text())
    where = organization()
    for row in roster:
        profile = parse_profile_url(row["url"])
        name = find_platform(row["platform"]).name
        account(name, profile.handle, external_id=profile.external_id, url=row["url"], organization=where)
    run = ledger.request_scrape(Account.objects.all(), None, scope="all")
    for platform in CONNECTORS:
        turn(platform)
    run = ScrapeRun.objects.progress().get(pk=run.pk)
    assert (run.total_jobs, run.percent, run.state) == (99, 100, ScrapeRun.State.DONE)
    stored = {shot.account: shot.followers for shot in Snapshot.objects.select_related("account")}
    assert stored == {one: truth(one) for one in stored}
    reasons = set(ScrapeJob.objects.exclude(outcome=OK).values_list("account__url", "outcome"))
    assert reasons == {("https://www.linkedin.com/in/hhscybersecurity/", Missing.UNSUPPORTED_PROFILE)}
    assert len(stored) == 98


def test_a_second_scrape_the_same_day_makes_no_second_row() -> None:
    one = account("x", "cdcgov")
    for _ in range(2):
        request(one)
        turn("x")
    assert Snapshot.objects.count() == 1
    assert Attempt.objects.filter(account=one, outcome=OK).count() == 2


def test_what_the_fakes_give_is_marked_as_simulated() -> None:
    request(account("x", "cdcgov"))
    turn("x")
    assert Snapshot.objects.get().source == "simulated"


@both
def test_a_figure_says_which_kind_of_connector_read_it(settings: Any) -> None:
    one, other = account("youtube", "nasa"), account("youtube", "cdc")
    request(one)
    turn("youtube")
    assert Snapshot.objects.get().read_from == "api"
    settings.PLATFORM_TOKENS, settings.SCRAPE_PAGE_PLATFORMS = {}, ["youtube"]
    request(one, other)
    turn("youtube")
    assert dict(Snapshot.objects.values_list("account", "read_from")) == {one.pk: "page", other.pk: "page"}


@pytest.mark.req("A68", "A69", "A71")
def test_each_try_tells_its_time_its_end_and_its_platform(fakes: Any) -> None:
    fakes.set(latency=[0.2, 0.25])
    request(account("flickr", "nasa"), account("flickr", "nosuchone"))
    turn("flickr")
    tries = list(Attempt.objects.order_by("account_id"))
    assert [(one.platform, one.outcome) for one in tries] == [("flickr", OK), ("flickr", Missing.NOT_FOUND)]
    assert all(0.2 <= one.seconds < 5 for one in tries)
    assert all(job.waited >= timedelta(0) and job.finished_at > job.started_at for job in ScrapeJob.objects.all())


def test_a_profiles_facts_reach_the_account() -> None:
    one = account("x", "cdcgov", display_name="As the editor wrote it")
    request(one)
    turn("x")
    one.refresh_from_db()
    assert one.external_id == curves.external_id("x", "cdcgov")
    assert one.display_name == "As the editor wrote it"
    assert one.bio


def test_a_learned_id_is_kept_and_asked_for_only_once(fakes: Any) -> None:
    one = account("linkedin", "cdc")
    for _ in range(2):
        request(one)
        turn("linkedin")
    one.refresh_from_db()
    assert one.external_id == curves.external_id("linkedin", "cdc")
    steps = list(Attempt.objects.order_by("id").values_list("step", flat=True))
    assert len(steps) == 3
    assert steps[1] == steps[2]


def test_what_was_learned_before_the_quota_ended_is_kept(monkeypatch: Any) -> None:
    monkeypatch.setattr(type(CONNECTORS["linkedin"]), "windows", (Window(calls=1, seconds=3600),))
    one = account("linkedin", "cdc")
    request(one)
    assert turn("linkedin") == 0
    one.refresh_from_db()
    assert (outcome(one)[0], one.external_id) == (JobState.DUE, curves.external_id("linkedin", "cdc"))
    with clock.shifted(timedelta(hours=1, seconds=1)):
        assert turn("linkedin") == 1
    assert Attempt.objects.filter(account=one).count() == 2


def test_a_turn_that_is_over_ends_what_it_has_begun(monkeypatch: Any) -> None:
    until, fetch = monotonic() + 1, Fetcher.fetch

    async def after_the_turn(self: Any, call: Any, **more: Any) -> Any:
        await asyncio.sleep(max(0.0, until - monotonic()))
        return await fetch(self, call, **more)

    monkeypatch.setattr(Fetcher, "fetch", after_the_turn)
    one = account("linkedin", "cdc")
    request(one)
    assert gather("linkedin", until) == 1
    assert outcome(one) == (JobState.DONE, OK)


def test_a_handle_that_belongs_to_somebody_else_now_stores_nothing(fakes: Any) -> None:
    one = account("x", "cdcgov", external_id=curves.external_id("x", "cdcgov"))
    fakes.fault("reassigned", "x", "cdcgov")
    request(one)
    turn("x")
    assert outcome(one) == (JobState.DONE, Missing.REASSIGNED)
    assert not Snapshot.objects.exists()
    one.refresh_from_db()
    assert one.held == Missing.REASSIGNED


def test_an_account_that_is_ours_again_learns_its_new_id_and_keeps_its_history(fakes: Any) -> None:
    one = account("x", "cdcgov", external_id="1")
    snapshot(one, clock.today() - timedelta(days=1))
    request(one)
    turn("x")
    one.refresh_from_db()
    assert one.release(None, accept_new_id=True)
    request(one)
    turn("x")
    one.refresh_from_db()
    assert (one.held, one.external_id) == ("", curves.external_id("x", "cdcgov"))
    assert Snapshot.objects.filter(account=one).count() == 2


def test_an_account_switched_off_meanwhile_is_not_asked_for(fakes: Any) -> None:
    one = account("x", "cdcgov")
    request(one)
    Account.objects.filter(pk=one.pk).update(is_active=False)
    turn("x")
    assert outcome(one) == (JobState.CANCELLED, Ended.INACTIVE)
    assert fakes.served("x") == []


# --- Failures


@pytest.mark.req("A62", "A86")
def test_one_failure_does_not_stop_the_others(fakes: Any) -> None:
    good, bad = [account("flickr", f"good{n}") for n in range(6)], account("flickr", "bad")
    fakes.fault("reset", "flickr", "bad")
    request(bad, *good)
    turn("flickr")
    assert {outcome(one) for one in good} == {(JobState.DONE, OK)}
    assert outcome(bad) == (JobState.DUE, Trouble.CONNECTION)


@pytest.mark.parametrize(
    ("kind", "more", "reason"),
    [
        ("status", {"value": 503}, Trouble.SERVER_ERROR),
        ("half_close", {}, Trouble.CONNECTION),
        ("challenge", {}, Missing.BLOCKED),
    ],
)
def test_a_passing_failure_is_tried_again_later(fakes: Any, kind: str, more: Any, reason: str) -> None:
    one = account("flickr", "nasa")
    fakes.fault(kind, "flickr", times=1, **more)
    request(one)
    turn("flickr")
    assert outcome(one) == (JobState.DUE, reason)
    assert not Snapshot.objects.exists()
    with clock.shifted(timedelta(minutes=2)):
        turn("flickr")
    assert outcome(one) == (JobState.DONE, OK)


def test_a_try_at_an_unreadable_answer_tells_nothing_that_is_in_it(fakes: Any) -> None:
    one = account("x", "cdcgov")
    fakes.fault("drift", "x")
    request(one)
    turn("x")
    assert outcome(one) == (JobState.FAILED, Missing.UNPARSABLE)
    size = Sample.objects.get().size
    assert Attempt.objects.get().detail == f"An answer of {size:,} bytes."
    assert not Snapshot.objects.exists()


def test_a_connectors_bug_spoils_only_its_own_answers(monkeypatch: Any) -> None:
    connector = CONNECTORS["flickr"]
    parse = type(connector).parse

    def buggy(self: Any, batch: Any, response: Any) -> Any:
        return {}["gone"] if batch.handles == ("bad",) else parse(self, batch, response)

    monkeypatch.setattr(type(connector), "parse", buggy)
    good, bad = account("flickr", "good"), account("flickr", "bad")
    request(good, bad)
    turn("flickr")
    assert [outcome(good), outcome(bad)] == [(JobState.DONE, OK), (JobState.FAILED, Missing.UNPARSABLE)]


def test_a_storm_of_refusals_is_one_event_and_loses_nothing(fakes: Any) -> None:
    accounts = [account("flickr", f"one{n}") for n in range(8)]
    fakes.fault("rate_limit", "flickr", value="120")
    request(*accounts)
    turn("flickr")
    state = PlatformState.objects.get(platform="flickr")
    assert (state.why, state.pauses) == (Waiting.RATE_LIMITED, 1)
    assert 60 < (state.paused_until - clock.now()).total_seconds() <= 120
    waiting = ScrapeJob.objects.with_reasons()
    assert {(job.state, job.attempts, job.why) for job in waiting} == {(JobState.DUE, 0, Waiting.RATE_LIMITED)}
    fakes.set(reset=True)
    with clock.shifted(timedelta(minutes=3)):
        turn("flickr")
    assert {outcome(one) for one in accounts} == {(JobState.DONE, OK)}


def test_refusals_without_a_time_rest_longer_each_time(fakes: Any) -> None:
    request(account("flickr"))
    fakes.fault("rate_limit", "flickr", value="0")
    for seconds in (30, 60, 120):
        turn("flickr")
        rest = PlatformState.objects.get(platform="flickr").paused_until - clock.now()
        assert seconds - 5 < rest.total_seconds() <= seconds * 1.2
        PlatformState.objects.update(paused_until=None)


def test_a_refusal_after_a_long_outage_is_still_a_pause(fakes: Any) -> None:
    PlatformState.objects.create(platform="flickr", circuit=100)
    one = account("flickr")
    request(one)
    fakes.fault("rate_limit", "flickr", value="0")
    turn("flickr")
    assert outcome(one) == (JobState.DUE, Trouble.RATE_LIMITED)
    assert PlatformState.objects.get(platform="flickr").why == Waiting.RATE_LIMITED


def test_failures_in_a_row_open_the_circuit(fakes: Any) -> None:
    fakes.fault("status", "flickr", value=500)
    request(*(account("flickr") for _ in range(12)))
    turn("flickr")
    state = PlatformState.objects.get(platform="flickr")
    assert state.why == Waiting.CIRCUIT
    assert turn("flickr") == 0


@pytest.mark.req("A93")
def test_one_account_takes_no_longer_than_its_deadline(fakes: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(errands, "ACCOUNT_SECONDS", 0.5)
    fakes.fault("slow_headers", "flickr", "slow", value=20)
    slow, quick = account("flickr", "slow"), account("flickr", "quick")
    request(slow, quick)
    before = monotonic()
    turn("flickr")
    assert monotonic() - before < 5
    assert outcome(slow) == (JobState.DUE, Trouble.DEADLINE)
    assert outcome(quick) == (JobState.DONE, OK)


def test_a_call_that_its_account_had_no_time_for_is_no_good_call(fakes: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(errands, "ACCOUNT_SECONDS", 0.3)
    fakes.fault("slow_headers", "flickr", "slow", value=20)
    PlatformState.objects.create(platform="flickr", circuit=3)
    request(account("flickr", "slow"))
    turn("flickr")
    assert PlatformState.objects.get(platform="flickr").circuit == 3


@pytest.mark.req("A93")
def test_the_calls_of_one_account_share_its_time(monkeypatch: Any) -> None:
    monkeypatch.setattr(errands, "ACCOUNT_SECONDS", 1.2)
    fetch = Fetcher.fetch

    async def late(self: Any, call: Any, **more: Any) -> Any:
        await asyncio.sleep(1.0 if "slow" in str(call.params) else 0.3)
        return await fetch(self, call, **more)

    monkeypatch.setattr(Fetcher, "fetch", late)
    slow, quick = account("linkedin", "slow"), account("linkedin", "quick")
    request(slow, quick)
    turn("linkedin")
    assert outcome(slow) == (JobState.DUE, Trouble.DEADLINE)
    assert outcome(quick) == (JobState.DONE, OK)


@pytest.mark.req("A93")
def test_the_search_in_a_refused_batch_ends_with_its_accounts_time(fakes: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(errands, "ACCOUNT_SECONDS", 1.0)
    fakes.set(latency=[0.7, 0.7])
    fakes.fault("status", "x", value=400)
    request(*(account("x") for _ in range(16)))
    turn("x")
    assert set(ScrapeJob.objects.values_list("state", "outcome")) == {(JobState.DUE, Trouble.DEADLINE)}
    took = Attempt.objects.values("account").annotate(seconds=Sum("seconds")).values_list("seconds", flat=True)
    assert max(took) <= 2.0


def test_who_makes_a_batch_be_refused_is_found_and_the_others_are_read(fakes: Any) -> None:
    fakes.fault("status", "x", handle="bad", value=400)
    bad, good = account("x", "bad"), [account("x") for _ in range(15)]
    request(*good[:7], bad, *good[7:])
    assert turn("x") == 16
    assert {outcome(one) for one in good} == {(JobState.DONE, OK)}
    assert outcome(bad) == (JobState.FAILED, Trouble.REFUSED)
    calls = sum(row["requests"] for row in fakes.served("x"))
    assert calls == 1 + 2 * 4  # all, and two halves four times
    assert sum(block.calls - (block.returned or 0) for block in PermitBlock.objects.all()) == calls
    assert Attempt.objects.filter(account=bad, outcome=Trouble.REFUSED).count() == 5
    assert limits.spent_dollars("x", clock.now()) == Decimal("0.15")


def test_a_platform_that_refuses_everything_is_not_asked_for_each_account(fakes: Any) -> None:
    fakes.fault("status", "x", value=400)
    accounts = [account("x") for _ in range(32)]
    request(*accounts)
    assert turn("x") == 32
    assert {outcome(one) for one in accounts} == {(JobState.FAILED, Trouble.REFUSED)}
    assert sum(row["requests"] for row in fakes.served("x")) <= 1 + errands.SEARCHES * 2 * 5
