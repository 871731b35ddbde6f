"""The ledger: promises are rows, claimed once, settled only by their newest holder, and never starved."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Account
from perf import clock
from scraping import ledger, planning, settling
from scraping.connectors.base import Trouble
from scraping.models import JobState, Rank, RunJob, ScrapeJob, ScrapeRun
from scraping.planning import Night
from scraping.results import Result
from snapshots.recording import Sighting, record
from tests.factories import account, organization, user
from tests.scraping.promising import read, request, tried

both = pytest.mark.both_dbs
DAY = date(2026, 11, 20)


# --- Planning


@both
def test_planners_at_once_change_nothing(db: None) -> None:
    for _ in range(5):
        account()
    assert [ledger.plan(), ledger.plan(), ledger.plan()] == [5, 0, 0]
    assert ScrapeJob.objects.count() == ScrapeRun.objects.progress().get().total_jobs == 5


@pytest.mark.django_db(transaction=True)
def test_three_planners_racing_plan_each_account_once() -> None:
    for _ in range(30):
        account()
    in_threads(3, ledger.plan)
    assert ScrapeJob.objects.count() == ScrapeRun.objects.progress().get().total_jobs == 30


def test_inactive_accounts_are_not_planned(db: None) -> None:
    account(is_active=False)
    assert ledger.plan() == 0


def test_an_account_read_today_on_request_is_not_planned_again(db: None) -> None:
    request(account())
    settling.settle([read(job) for job in ledger.claim("x", 5)])
    assert ledger.plan() == 0


def test_starts_are_spread_over_the_window(settings: Any) -> None:
    settings.SCRAPE_WINDOW = "02:00-05:00"
    night = Night.of(DAY)
    starts = [night.starts(pk) for pk in range(1_000)]
    assert all(night.start <= at < night.end for at in starts)
    quarters = Counter(int((at - night.start) / (night.end - night.start) * 4) for at in starts)
    assert min(quarters.values()) > 200


def test_a_window_may_cross_midnight(settings: Any) -> None:
    settings.SCRAPE_WINDOW, settings.TIME_ZONE = "23:00-02:00", "Europe/Berlin"
    night = Night.of(DAY)
    assert night.start.isoformat() == "2026-11-20T23:00:00+01:00"
    assert night.end - night.start == timedelta(hours=3)


@both
def test_what_a_day_left_over_is_the_next_days_and_goes_first(db: None, settings: Any) -> None:
    settings.SCRAPE_WINDOW = "00:00-00:01"
    old = account()
    ledger.plan(clock.today() - timedelta(days=1))
    new = account()
    ledger.plan()
    assert [(job.account, job.date) for job in ledger.claim("x", 5)] == [(old, clock.today()), (new, clock.today())]


def test_a_cancelled_plan_is_not_made_again(db: None) -> None:
    account()
    ledger.plan()
    ledger.cancel(ScrapeRun.objects.get(), None)
    account()
    assert ledger.plan() == 0


@both
def test_an_account_has_one_open_job(db: None) -> None:
    request(one := account())
    twin = ScrapeJob.objects.get()
    twin.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()
    ScrapeJob.objects.filter(account=one).update(state=JobState.DONE)
    twin.save()


@both
def test_an_account_has_one_planned_job_a_day(db: None) -> None:
    account()
    ledger.plan()
    ScrapeJob.objects.update(state=JobState.DONE)
    twin = ScrapeJob.objects.get()
    twin.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


# --- Requesting


@both
@pytest.mark.req("A67")
def test_a_request_moves_an_open_job_to_the_front_and_joins_it(db: None, settings: Any) -> None:
    settings.SCRAPE_WINDOW = "00:00-00:01"
    waiting, core = account(), account(is_core=True)
    ledger.plan()
    run = request(waiting, by=user("editor"))
    first, second = ledger.claim("x", 2)
    assert (first.account, first.get_rank_display()) == (waiting, "Requested by a user")
    assert second.account == core
    assert set(first.runs.all()) == {run, ScrapeRun.objects.get(kind="planned")}


@both
@pytest.mark.req("A64", "A67")
def test_chosen_accounts_go_before_a_request_for_all_that_goes_by_rank(db: None) -> None:
    rest, core, chosen = account(), account(is_core=True), account()
    ledger.request_scrape(Account.objects.all(), None, scope="all")
    with clock.shifted(timedelta(minutes=1)):
        request(chosen)
        claimed = [job.account for _ in range(3) for job in ledger.claim("x", 1)]
    assert claimed == [chosen, core, rest]


@both
@pytest.mark.req("A66")
def test_a_request_moves_no_job_back_that_waits_for_longer(db: None) -> None:
    late = account()
    ledger.plan()
    ScrapeJob.objects.update(order_at=clock.now() - timedelta(days=20))
    request(account())
    with clock.shifted(timedelta(minutes=1)):
        request(late)
        assert [job.account for job in ledger.claim("x", 1)] == [late]


def test_jobs_are_inserted_in_account_order_by_all_who_promise(db: None) -> None:
    accounts = [account("x") for _ in range(5)]
    Account.objects.filter(pk=accounts[0].pk).update(bio="its row now lies behind the others")
    request(*accounts)
    jobs = ScrapeJob.objects.order_by("id").values_list("account_id", flat=True)
    assert list(jobs) == [one.pk for one in accounts]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_carrying_jobs_over_waits_for_who_holds_them_in_order(settings: Any) -> None:
    accounts = [account("x") for _ in range(3)]
    request(*accounts)
    ids = list(ScrapeJob.objects.order_by("id").values_list("id", flat=True))
    ScrapeJob.objects.update(date=clock.today() - timedelta(days=5))
    behind = {"outcome": "quota", "order_at": clock.now(), "due_at": clock.now()}  # in the table as in the index
    ScrapeJob.objects.filter(pk=ids[0]).update(**behind)

    def plan() -> None:
        try:
            ledger.plan()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            jobs = ScrapeJob.objects.select_for_update().order_by("id")
            list(jobs.filter(pk=ids[0]))
            planning = pool.submit(plan)
            time.sleep(0.5)
            list(jobs)
        planning.result()
    assert ScrapeJob.objects.filter(date__gte=clock.today() - timedelta(days=1)).count() == 3


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_who_hands_jobs_over_waits_for_who_cancels_their_run() -> None:
    run = request(account("x"))

    def hand_over() -> int:
        try:
            return planning.hand_over(run, RunJob.objects.filter(run=run))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            ScrapeRun.objects.filter(pk=run.pk).update(left_out=1)
            handing = pool.submit(hand_over)
            time.sleep(0.5)
            RunJob.objects.filter(run=run).delete()
        assert handing.result() == 0


def test_a_request_for_nothing_active_is_refused(db: None) -> None:
    with pytest.raises(ledger.Refused, match="no active account"):
        request(account(is_active=False))


def test_an_account_on_hold_is_neither_planned_nor_requested(db: None) -> None:
    held, free = account(), account()
    Account.objects.hold([held.pk], "reassigned")
    with pytest.raises(ledger.Refused, match="1 of these accounts are on hold"):
        request(held)
    request(held, free)
    assert ScrapeJob.objects.get().account == free
    assert ledger.plan() == 0
    held.release(None, accept_new_id=True)
    assert ledger.plan() == 1


# --- Claiming


@both
@pytest.mark.req("A64", "A65", "A66")
def test_claims_go_by_rank(db: None, settings: Any) -> None:
    settings.SCRAPE_WINDOW = "00:00-00:01"
    rest, active, failed, core, requested = (account() for _ in range(5))
    Account.objects.filter(pk=core.pk).update(is_core=True)
    for days in (8, 1):
        day, at = clock.today() - timedelta(days=days), clock.now() - timedelta(days=days)
        record([Sighting(active.pk, day, at, "observed", 100 - days), Sighting(rest.pk, day, at, "observed", 100)])
    ledger.plan()
    fail_once(failed)
    request(requested)
    with clock.shifted(timedelta(minutes=2)):
        claimed = [job for _ in range(5) for job in ledger.claim("x", 1)]
    assert [job.account for job in claimed] == [requested, core, failed, active, rest]
    assert [job.rank for job in claimed] == sorted(Rank.values)


def fail_once(one: Account) -> None:
    """Let the planned job of `one` fail; only it is due meanwhile."""
    others = ScrapeJob.objects.exclude(account=one)
    others.update(state=JobState.CANCELLED)
    [job] = ledger.claim("x", 1)
    settling.settle([Result(job, Trouble.SERVER_ERROR, [tried(Trouble.SERVER_ERROR)])])
    others.update(state=JobState.DUE)


@pytest.mark.req("A66")
def test_waiting_raises_a_job_so_that_nothing_starves(db: None, settings: Any) -> None:
    settings.SCRAPE_WINDOW = "00:00-00:01"
    rest = account()
    ledger.plan()
    with clock.shifted(timedelta(days=1)):
        core = account(is_core=True)
        ledger.plan()
        assert [job.account for _ in range(2) for job in ledger.claim("x", 1)] == [rest, core]


@both
def test_a_claim_leases_and_fences(db: None, settings: Any) -> None:
    request(account())
    [job] = ledger.claim("x", 1)
    assert (job.state, job.token) == (JobState.LEASED, 1)
    assert timedelta(0) <= job.waited < timedelta(seconds=5)
    assert abs(job.lease_until - clock.now() - timedelta(seconds=settings.LEASE_SECONDS)) < timedelta(seconds=5)
    assert ledger.claim("x", 1) == []


def in_threads(count: int, act: Any) -> None:
    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@both
@pytest.mark.django_db(transaction=True)
def test_claimants_at_once_never_share_a_job() -> None:
    where = organization()
    accounts = [account(organization=where) for _ in range(60)]
    request(*accounts)
    claimed: list[int] = []

    def work() -> None:
        while jobs := ledger.claim("x", 7):
            claimed.extend(job.pk for job in jobs)

    in_threads(4, work)
    assert len(claimed) == len(set(claimed)) == 60


def test_a_paused_runs_jobs_are_left_alone_unless_another_wants_them(db: None) -> None:
    run = request(only_mine := account(), shared := account())
    request(shared)
    ledger.pause(run, None)
    assert [job.account for job in ledger.claim("x", 5)] == [shared]
    ledger.resume(run, None)
    assert [job.account for job in ledger.claim("x", 5)] == [only_mine]
