"""Each condition of an alert: true when it should be, and only then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account
from perf import clock
from scraping import heartbeats, ledger, watching
from scraping.connectors.base import Connector, Window
from scraping.models import Alert, PermitBlock, PlatformState, Problem, RunJob, ScrapeJob, ScrapeRun
from scraping.outcomes import Waiting
from scraping.planning import Night
from tests.scraping.watching import due, tried

both = pytest.mark.both_dbs
pytestmark = pytest.mark.django_db


def paused(platform: str, why: str, left: timedelta, host: str = "") -> PlatformState:
    until = clock.now() + left
    return PlatformState.objects.create(platform=platform, host=host, paused_until=until, why=why)


def keys(problems: Any) -> list[str]:
    return [problem.key for problem in problems]


# --- Dead token


@both
def test_a_refused_credential_is_wrong_until_the_platform_answers_again() -> None:
    paused("x", Waiting.DEAD_TOKEN, timedelta(minutes=4))
    due("x")
    (problem,) = watching.dead_tokens()
    assert (problem.key, problem.detail["waiting"]) == ("x", 1)
    tried("x", "timeout")
    assert keys(watching.dead_tokens()) == ["x"]
    tried("x", "not_found")
    assert keys(watching.dead_tokens()) == []


def test_between_two_rechecks_a_credential_is_still_refused() -> None:
    tried("x", "ok", at=clock.now() - timedelta(hours=1))
    paused("x", Waiting.DEAD_TOKEN, timedelta(seconds=-10))
    assert keys(watching.dead_tokens()) == ["x"]


# --- Paused


@both
def test_a_pause_of_more_than_an_hour_is_wrong_and_a_shorter_one_is_not() -> None:
    paused("x", Waiting.QUOTA, timedelta(minutes=61))
    paused("youtube", Waiting.QUOTA, timedelta(minutes=59))
    paused("mastodon", Waiting.RATE_LIMITED, timedelta(hours=2), host="example.social")
    assert set(keys(watching.long_pauses())) == {"x", "mastodon example.social"}


@both
def test_short_pauses_without_an_answer_between_them_add_up() -> None:
    paused("x", Waiting.CIRCUIT, timedelta(seconds=50))
    due("x", timedelta(minutes=61))
    assert keys(watching.long_pauses()) == ["x"]
    tried("x", "ok", at=clock.now() - timedelta(minutes=30))
    assert keys(watching.long_pauses()) == []


def test_a_long_pause_stays_wrong_to_its_last_minute() -> None:
    paused("x", Waiting.QUOTA, timedelta(minutes=61))
    (problem,) = watching.long_pauses()
    Alert.objects.create(kind=problem.kind, key=problem.key, opened_at=clock.now())
    with clock.shifted(timedelta(minutes=60)):
        assert keys(watching.long_pauses()) == ["x"]
    with clock.shifted(timedelta(minutes=62)):
        assert keys(watching.long_pauses()) == []


def test_a_platform_that_waits_for_credits_is_wrong() -> None:
    paused("x", "no_credits", timedelta(hours=2))
    assert keys(watching.long_pauses()) == ["x"]


def test_what_somebody_switched_off_is_not_wrong() -> None:
    paused("flickr", Waiting.PAGE_OFF, timedelta(hours=5))
    paused("x", Waiting.NO_BUDGET, timedelta(hours=5))
    assert keys(watching.long_pauses()) == []


# --- Coverage


def night(answered: int, of: int) -> ScrapeRun:
    """Last night's plan, made in time, with so many of its jobs answered."""
    ended = Night.of(clock.today() - timedelta(days=1))
    run = ScrapeRun.objects.create(
        kind="planned", scope="all", date=ended.day, created_at=ended.start - timedelta(hours=2)
    )
    jobs = [tried("x", "ok").job for _ in range(answered)] + [due("x") for _ in range(of - answered)]
    RunJob.objects.bulk_create(RunJob(run=run, job=job) for job in jobs)
    return run


@both
@pytest.mark.parametrize(("answered", "wrong"), [(18, True), (19, False), (20, False)])
def test_a_night_that_ended_below_95_per_cent_is_wrong(answered: int, wrong: bool, settings: Any) -> None:
    settings.SCRAPE_WINDOW = "02:00-05:00"
    run = night(answered, of=20)
    with clock.shifted(_to_an_hour_after_midnight()):
        found = list(watching.coverage())
    assert [problem.detail for problem in found] == (
        [{"planned": 20, "answered": answered, "run": run.pk, "day": str(run.date)}] if wrong else []
    )


def _to_an_hour_after_midnight() -> timedelta:
    """From now to an hour after the last midnight: the window of last night is the newest that ended."""
    midnight = clock.now().replace(hour=1, minute=0, second=0)
    return midnight - clock.now()


def test_a_plan_made_after_its_window_is_no_lost_night(settings: Any) -> None:
    settings.SCRAPE_WINDOW = "02:00-05:00"
    run = night(0, of=3)
    ScrapeRun.objects.filter(pk=run.pk).update(created_at=Night.of(run.date or clock.today()).end)
    with clock.shifted(_to_an_hour_after_midnight()):
        assert list(watching.coverage()) == []


def test_a_cancelled_plan_is_no_lost_night() -> None:
    run = night(0, of=3)
    ScrapeRun.objects.filter(pk=run.pk).update(state="cancelled", finished_at=clock.now())
    with clock.shifted(_to_an_hour_after_midnight()):
        assert list(watching.coverage()) == []


# --- Backlog


@both
def test_a_job_due_for_a_day_is_backlog(settings: Any) -> None:
    settings.PLATFORM_TOKENS = {"x": "token"}
    due("x", timedelta(hours=23))
    assert keys(watching.backlog()) == []
    due("x", timedelta(hours=25))
    (problem,) = watching.backlog()
    assert (problem.key, problem.detail["jobs"]) == ("x", 2)


def test_what_cannot_be_read_or_was_paused_by_a_person_is_no_backlog(settings: Any) -> None:
    settings.PLATFORM_TOKENS = {"x": "token"}
    due("youtube", timedelta(days=3))
    held = due("x", timedelta(days=3))
    run = ledger.request_scrape(Account.objects.filter(pk=held.account_id), None)
    ScrapeJob.objects.filter(pk=held.pk).update(due_at=clock.now() - timedelta(days=3))
    ledger.pause(run, None)
    assert keys(watching.backlog()) == []


def test_more_than_fits_into_the_day_is_backlog(settings: Any, monkeypatch: Any) -> None:
    settings.PLATFORM_TOKENS = {"x": "token"}
    monkeypatch.setattr(watching, "fits_today", lambda _: 1)
    due("x")
    assert keys(watching.backlog()) == []
    due("x")
    assert [problem.detail["fits"] for problem in watching.backlog()] == [1]


def test_what_fits_today_is_what_the_narrowest_window_lets_through(settings: Any) -> None:
    class Slow(Connector):
        platform = "x"
        batch_size = 10
        windows = (Window(5, 3600), Window(1_000, 60))

    settings.TIME_ZONE = "UTC"
    noon = datetime.combine(clock.today(), datetime.min.time(), UTC) + timedelta(hours=12)
    with clock.shifted(noon - clock.now()):
        assert watching.fits_today(Slow()) == pytest.approx(10 * 5 * 13, abs=10)
    Slow.per_host = True
    assert watching.fits_today(Slow()) is None


# --- Budget


@both
@pytest.mark.parametrize(("dollars", "steps"), [("79.99", []), ("80", [80]), ("99.99", [80]), ("100", [80, 100])])
def test_a_budget_is_told_of_at_80_and_at_100_per_cent(dollars: str, steps: list[int], settings: Any) -> None:
    settings.X_MONTHLY_BUDGET_USD = 100.0
    now = clock.now()
    PermitBlock.objects.create(platform="x", calls=1, dollars=Decimal(dollars), granted_at=now, expires_at=now)
    assert [problem.detail["step"] for problem in watching.budgets()] == steps


@both
def test_a_rest_too_small_for_a_call_is_a_spent_budget_until_an_answer(settings: Any) -> None:
    settings.X_MONTHLY_BUDGET_USD = 100.0
    state = paused("x", Waiting.BUDGET_SPENT, timedelta(seconds=-1))
    assert [problem.detail["step"] for problem in watching.budgets()] == [100]
    tried("x", "ok", at=(state.paused_until or clock.now()) + timedelta(seconds=1))
    assert list(watching.budgets()) == []


def test_last_months_spent_budget_is_not_this_months(settings: Any) -> None:
    settings.X_MONTHLY_BUDGET_USD = 100.0
    month = clock.now().astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    paused("x", Waiting.BUDGET_SPENT, month - clock.now())
    assert list(watching.budgets()) == []


def test_without_a_budget_there_is_nothing_to_tell(settings: Any) -> None:
    settings.X_MONTHLY_BUDGET_USD = None
    assert list(watching.budgets()) == []


# --- Silence


def seen(process: str, minutes: float) -> None:
    with clock.shifted(-timedelta(minutes=minutes)):
        ledger.beat(process)


@both
def test_a_process_not_seen_for_ten_minutes_is_missed() -> None:
    seen("worker", 1)
    seen("beat", 10.1)
    assert keys(watching.silences()) == ["beat"]
    seen("beat", 9)
    assert keys(watching.silences()) == []


def test_without_a_worker_nothing_is_said_of_beat() -> None:
    seen("worker", 11)
    seen("beat", 30)
    assert keys(watching.silences()) == ["worker"]
    assert heartbeats.states() == {"worker": "silent", "beat": "ok"}
    Alert.objects.create(kind=Alert.Kind.SILENT, key="beat", opened_at=clock.now())
    assert set(keys(watching.silences())) == {"worker", "beat"}


def test_a_process_that_was_never_seen_is_not_missed() -> None:
    assert keys(watching.silences()) == []
    assert heartbeats.states() == {"worker": "never", "beat": "never"}


def test_every_kind_of_alert_has_its_condition() -> None:
    assert set(watching.CONDITIONS) == set(Alert.Kind.values)
    assert all(isinstance(one, Problem) for condition in watching.CONDITIONS.values() for one in condition())
