"""The nightly plan: the database's day, who counts as active, and what becomes of yesterday's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from perf import clock
from scraping import ledger, planning
from scraping.models import JobState, Rank, ScrapeJob, ScrapeRun
from tests.factories import account, snapshot, user
from tests.scraping.promising import read, request

both = pytest.mark.both_dbs
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _window(settings: Any) -> None:
    settings.SCRAPE_WINDOW = "00:00-00:01"


@both
def test_a_beat_a_day_ahead_plans_and_moves_nothing_for_tomorrow(db: None, monkeypatch: Any) -> None:
    one = account()
    ledger.plan()
    today, right = clock.today(), clock.now
    monkeypatch.setattr(clock, "now", lambda: right() + DAY)
    account()
    ledger.plan()
    assert set(ScrapeJob.objects.values_list("date", flat=True)) == {today}
    request(one)
    assert ScrapeJob.objects.get(account=one).date == today
    assert ScrapeRun.objects.filter(kind="planned").count() == 1


@both
def test_yesterdays_plan_ends_and_says_how_many_jobs_go_on_today(db: None) -> None:
    done, left = account(is_core=True), account()
    ledger.plan(clock.today() - DAY)
    settle_one()
    ledger.plan()
    old, new = ScrapeRun.objects.progress().order_by("date")
    assert (old.state, old.moved, old.done_jobs, old.total_jobs) == (ScrapeRun.State.DONE, 1, 1, 1)
    assert (new.state, new.due_jobs) == (ScrapeRun.State.RUNNING, 2)
    assert set(new.jobs.values_list("account", flat=True)) == {done.pk, left.pk}


def settle_one() -> None:
    from scraping import settling

    settling.settle([read(job) for job in ledger.claim("x", 1)])


def test_what_is_being_fetched_over_midnight_moves_to_the_new_day_too(db: None) -> None:
    account()
    ledger.plan(clock.today() - DAY)
    ledger.claim("x", 1)
    ledger.plan()
    assert ScrapeRun.objects.get(date=clock.today()).jobs.get().state == JobState.LEASED


def test_with_todays_plan_cancelled_yesterdays_goes_on(db: None) -> None:
    account()
    ledger.plan(clock.today() - DAY)
    today = ScrapeRun.objects.create(kind="planned", scope="all", date=clock.today())
    ledger.cancel(today, user("editor"))
    ledger.plan()
    assert ScrapeRun.objects.open().get().date == clock.today() - DAY


def test_many_chunks_are_planned_carried_over_and_handed_on(db: None, monkeypatch: Any) -> None:
    monkeypatch.setattr(planning, "CHUNK", 2)
    for _ in range(5):
        account()
    assert ledger.plan(clock.today() - DAY) == 5
    account()
    assert ledger.plan() == 1
    assert set(ScrapeJob.objects.values_list("date", flat=True)) == {clock.today()}
    assert ScrapeRun.objects.get(date=clock.today()).jobs.count() == 6


@both
@pytest.mark.req("A65")
@pytest.mark.parametrize("figure", ["followers", "posts", "videos"])
def test_an_account_whose_figures_moved_within_a_week_is_active(db: None, figure: str) -> None:
    moved, still, long_ago = account(), account(), account()
    for one, days, value in ((moved, 1, 8), (moved, 3, 7), (still, 1, 7), (still, 3, 7), (long_ago, 1, 8)):
        snapshot(one, clock.today() - days * DAY, **{figure: value})
    snapshot(long_ago, clock.today() - 20 * DAY, **{figure: 7})
    ledger.plan()
    ranks = dict(ScrapeJob.objects.values_list("account", "rank"))
    assert ranks == {moved.pk: Rank.ACTIVE, still.pk: Rank.REST, long_ago.pk: Rank.REST}


def test_a_figure_the_platform_no_longer_gives_is_no_movement(db: None) -> None:
    one = account()
    snapshot(one, clock.today() - 3 * DAY, posts=7)
    snapshot(one, clock.today() - DAY, posts=None)
    ledger.plan()
    assert ScrapeJob.objects.get().rank == Rank.REST


@pytest.mark.req("A66")
def test_a_constant_stream_of_requests_starves_nothing(db: None) -> None:
    rest = account()
    ledger.plan()
    busy = [account() for _ in range(2)]
    for half_day in range(30):
        with clock.shifted(half_day * DAY / 2):
            request(busy[half_day % 2])
            [job] = ledger.claim("x", 1)  # all that the platform allows
            if job.account == rest:
                break
            ScrapeJob.objects.filter(pk=job.pk).update(state=JobState.DONE, finished_at=clock.now())
    assert job.account == rest
    assert 12 <= half_day <= 18


@pytest.mark.req("A67")
def test_every_rank_tells_its_own_reason() -> None:
    reasons = {ScrapeJob(rank=rank, reason="planned").rank_reason for rank in Rank}
    assert len(reasons) == len(Rank)
    assert "Somebody asked for it" in ScrapeJob(rank=Rank.REQUESTED).rank_reason


def test_a_second_look_says_that_it_is_one() -> None:
    assert "second look" in ScrapeJob(rank=Rank.RETRY, reason="confirm").rank_reason


@pytest.mark.both_dbs
def test_a_claim_may_be_larger_than_a_thousand(db: None) -> None:
    template = account()
    ledger.plan()
    accounts = type(template).objects.bulk_create(
        type(template)(platform="x", handle=f"h{n}", handle_key=f"h{n}", organization=template.organization)
        for n in range(2_500)
    )
    ledger.plan()
    claimed = ledger.claim("x", 2_400)
    assert len({job.pk for job in claimed}) == 2_400
    assert len(accounts) + 1 - 2_400 == ScrapeJob.objects.filter(state=JobState.DUE).count()
    assert claimed == sorted(claimed, key=lambda job: (job.order_at, job.due_at, job.pk))


def test_a_closed_run_keeps_its_figures_and_is_not_counted_again(db: None) -> None:
    run = request(account())
    settle_one()
    ScrapeJob.objects.all().delete()
    seen = ScrapeRun.objects.progress().get(pk=run.pk)
    assert (seen.total_jobs, seen.done_jobs, seen.percent) == (1, 1, 100)
    assert seen.began_at is not None


@pytest.mark.both_dbs
def test_a_plan_closed_before_its_jobs_are_promised_is_open_with_them(db: None, monkeypatch: Any) -> None:
    run_of = planning._run_of

    def closed_at_once(day: Any) -> Any:
        run = run_of(day)
        ledger.finish_runs()
        return run

    monkeypatch.setattr(planning, "_run_of", closed_at_once)
    account()
    ledger.plan()
    run = ScrapeRun.objects.progress().get()
    assert (run.state, run.due_jobs) == (ScrapeRun.State.RUNNING, 1)
