"""What the platforms' headers say: nothing is exceeded when others call too, nothing is wasted when they do not."""

from __future__ import annotations

import math
import multiprocessing
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.conf import settings as project_settings
from django.db import connection, connections

from accounts.models import Account
from perf import clock
from scraping import gather as gathering
from scraping import ledger, limits
from scraping.connectors import CONNECTORS
from scraping.connectors.base import Response, Window
from scraping.fakes import curves
from scraping.fakes.world import Limit as FakeLimit
from scraping.fakes.world import Meter
from scraping.gather import gather
from scraping.limits import Ask, Limit, Permit, Wait, acquire, give_back
from scraping.models import PermitBlock
from scraping.outcomes import Waiting
from tests.factories import account

HOUR = Window(200, 3600)


def limit(*windows: Window) -> Limit:
    """A limit whose counting has begun, as it has when a platform answers."""
    limits.rebuild()
    return Limit.of("facebook", "secret", "", windows)


class Client:
    """One process that calls a platform under a limit that it shares with others."""

    def __init__(self, which: Limit, meter: Meter) -> None:
        self.which, self.meter, self.made = which, meter, 0
        self.permit: Permit | None = None

    def ask(self, calls: int) -> None:
        permit = acquire(self.which, [Ask()] * calls)
        self.permit = permit if isinstance(permit, Permit) else None

    def call(self) -> None:
        """Make the permitted calls, and believe the last answer's header, in whole per cent of a rolling hour."""
        if self.permit is None:
            return
        for _ in range(self.permit.covers):
            usage = self.meter.spend(1, clock.now())
        self.made += self.permit.covers
        give_back(self.which, self.permit, self.permit.calls, Decimal(0))
        percent = math.ceil(100 * usage.used / usage.limit)
        limits.correct(self.which, usage.limit * (100 - percent) // 100, 3600)


def minutes(count: int, *clients: Client, at_once: int) -> None:
    """Let the clients ask and call side by side once a minute."""
    for minute in range(count):
        with clock.shifted(timedelta(minutes=minute)):
            for client in clients:
                client.ask(at_once)
            for client in clients:
                client.call()


@pytest.mark.req("A63")
def test_a_rolling_hour_is_used_to_the_full_by_several_and_never_exceeded(db: None) -> None:
    meter = Meter(FakeLimit(200, 3600, "rolling"))
    clients = [Client(limit(HOUR), meter) for _ in range(3)]
    minutes(240, *clients, at_once=3)
    assert meter.refused == 0
    assert meter.most_in_any_span() <= 200
    assert sum(client.made for client in clients) >= 0.95 * 200 * 4


@pytest.mark.req("A63")
def test_what_others_spend_is_left_to_them_for_as_long_as_it_counts(db: None) -> None:
    meter = Meter(FakeLimit(200, 3600, "rolling"))
    with clock.shifted(timedelta(0)):
        for _ in range(80):
            meter.spend(1, clock.now())
    ours = Client(limit(HOUR), meter)
    minutes(55, ours, at_once=7)
    assert 118 <= ours.made <= 120  # whole per cent are all that the header says
    assert meter.refused == 0
    with clock.shifted(timedelta(minutes=61)):
        assert acquire(ours.which, [Ask()] * 300).covers >= 80


def test_a_fixed_window_is_free_again_at_the_stated_reset(db: None) -> None:
    quarter = limit(Window(300, 900))
    limits.correct(quarter, 0, 240)  # the window began before us: others had it all
    refused = acquire(quarter, [Ask()])
    assert isinstance(refused, Wait)
    assert timedelta(seconds=235) < refused.until - clock.now() <= timedelta(seconds=240)
    with clock.shifted(timedelta(seconds=241)):
        assert acquire(quarter, [Ask()] * 300).covers == 300


def test_a_day_that_others_used_up_ends_at_midnight(db: None) -> None:
    daily = limit(Window(10_000, 86_400, "America/Los_Angeles"))
    midnight = limits._bounds(daily.windows[0], clock.now())[3] / 1_000_000
    limits.correct(daily, 3, midnight - clock.now().timestamp())
    assert acquire(daily, [Ask()] * 9).covers == 3
    refused = acquire(daily, [Ask()])
    assert isinstance(refused, Wait)
    assert abs(refused.until.timestamp() - midnight) < 2


def test_two_who_read_the_same_header_enter_the_difference_once(db: None) -> None:
    hourly = limit(HOUR)
    seen = limits._correct(hourly, "", 150, 3600)
    limits.correct(hourly, 150, 3600)
    limits._enter(hourly, seen, 150, 3600)
    assert PermitBlock.objects.get().calls == 50
    assert acquire(hourly, [Ask()] * 300).covers == 150


def test_a_wiped_redis_remembers_what_others_spent(db: None) -> None:
    hourly = limit(HOUR)
    assert acquire(hourly, [Ask()]).covers == 1
    limits.correct(hourly, 20, 1800)
    redis.Redis.from_url(project_settings.BROKER_URL).flushall()
    assert acquire(hourly, [Ask()] * 300).covers == 20
    with clock.shifted(timedelta(seconds=1801)):
        assert acquire(hourly, [Ask()] * 300).covers == 179


def test_a_word_about_a_longer_time_than_ours_holds_until_it_ends(db: None) -> None:
    each_second = limit(Window(10, 1))
    limits.correct(each_second, 4, 300)
    assert acquire(each_second, [Ask()] * 10).covers == 4
    refused = acquire(each_second, [Ask()])
    assert isinstance(refused, Wait)
    assert timedelta(seconds=295) < refused.until - clock.now() <= timedelta(seconds=300)


def test_the_first_word_of_the_next_reset_is_believed(db: None) -> None:
    each_second = limit(Window(10, 1))
    limits.correct(each_second, 0, 4)
    limits.correct(each_second, 2_999, 300)
    assert acquire(each_second, [Ask()] * 10).covers == 10


def test_of_one_reset_the_smaller_word_rules(db: None) -> None:
    each_second = limit(Window(10, 1))
    limits.correct(each_second, 4, 300)
    limits.correct(each_second, 7, 300)
    assert acquire(each_second, [Ask()] * 10).covers == 4


def test_a_header_near_its_reset_still_speaks_of_the_first_window(db: None) -> None:
    github = limit(Window(5_000, 3600), Window(900, 60))
    limits.correct(github, 10, 50)
    assert PermitBlock.objects.get().calls == 4_990
    with clock.shifted(timedelta(seconds=51)):
        assert acquire(github, [Ask()] * 900).covers == 900


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 23), ("2026-11-01", 25), ("2026-11-22", 24)])
def test_the_platforms_day_is_as_long_as_its_zone_says(day: str, hours: int) -> None:
    daily = Window(1, 86_400, "America/Los_Angeles")
    noon = datetime.fromisoformat(f"{day}T20:00:00+00:00")
    _, _, start, end = limits._bounds(daily, noon)
    assert (end - start) / 3_600_000_000 == hours


def _process(url: str, which: Limit, seconds: float, told: Any) -> None:
    connections.close_all()
    connector = CONNECTORS["facebook"]
    end, made = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        permit = acquire(which, [Ask()] * 2)
        if isinstance(permit, Wait):
            time.sleep(0.01)
            continue
        for _ in range(permit.covers):
            address = f"{url}/graph.facebook.com/v25.0/cdc?access_token=t"
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - loopback
                headers = {name.lower(): value for name, value in answer.headers.items()}
        made += permit.covers
        give_back(which, permit, permit.calls, Decimal(0))
        quota = connector.quota(Response(200, headers, b""))
        limits.correct(which, which.windows[0].calls * (quota.remaining or 0) // 200, 2)
    connection.close()
    told.put(made)


@pytest.mark.req("A63")
@pytest.mark.django_db(transaction=True)
def test_no_rolling_window_is_exceeded_by_processes_that_read_its_headers(fakes: Any) -> None:
    fakes.set(limits={"facebook": {"calls": 20, "seconds": 2, "kind": "rolling"}})
    which = limit(Window(20, 2))
    connections.close_all()
    forked = multiprocessing.get_context("fork")
    told: Any = forked.Queue()
    processes = [forked.Process(target=_process, args=(fakes.url, which, 4.5, told)) for _ in range(3)]
    for process in processes:
        process.start()
    made = sum(told.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    [row] = fakes.served("facebook")
    assert (row["refused"], row["calls"]) == (0, made)
    assert made > 20
    assert row["max_in_any_span"] <= 20


# --- Money


def test_a_price_of_yesterday_buys_nothing_today(db: None, settings: Any) -> None:
    settings.X_MONTHLY_BUDGET_USD = 10
    which = Limit.of("x", "secret", "", (Window(300, 900),))
    today = limits.billing_day()
    assert isinstance(acquire(which, [Ask(1, Decimal(1), today)]), Permit)
    stale = acquire(which, [Ask(1, Decimal(0), today - timedelta(days=1))])
    assert isinstance(stale, Wait)
    assert stale.why == Waiting.NEW_DAY
    assert limits.budget("x") == (Decimal(1), Decimal(10))


def test_the_last_seconds_of_a_day_are_priced_as_the_next() -> None:
    assert limits.billing_day(datetime(2026, 11, 22, 23, 59, 10, tzinfo=UTC)).day == 22
    assert limits.billing_day(datetime(2026, 11, 22, 23, 59, 30, tzinfo=UTC)).day == 23


def test_only_what_has_a_price_and_a_budget_has_a_meter(settings: Any) -> None:
    settings.X_MONTHLY_BUDGET_USD = None
    assert limits.budget("x") is limits.budget("flickr") is None


def test_a_round_that_crosses_midnight_pays_by_the_new_day(
    db: None, fakes: Any, settings: Any, monkeypatch: Any
) -> None:
    """Paid yesterday, priced as free just before midnight, granted after it: it is billed and so it is reserved."""
    settings.X_MONTHLY_BUDGET_USD = 10
    one = account("x", "cdcgov", external_id=curves.external_id("x", "cdcgov"))
    ledger.request_scrape(Account.objects.all(), None)
    gather("x", time.monotonic() + 10)
    days = iter([limits.billing_day() - timedelta(days=1)])  # what the clock said when the round began
    right, priced = limits.billing_day, []

    def day(at: datetime | None = None) -> Any:
        return right(at) if at else next(days, right())

    def paid(platform: str, on: Any, ids: Any) -> frozenset[int]:
        priced.append(on)
        return frozenset(ids) if len(priced) == 1 else frozenset()

    monkeypatch.setattr(limits, "billing_day", day)
    monkeypatch.setattr(gathering, "paid_on", paid)
    ledger.request_scrape(Account.objects.filter(pk=one.pk), None)
    gather("x", time.monotonic() + 10)
    assert len(priced) == 2
    assert sum(block.dollars for block in PermitBlock.objects.all()) == Decimal("0.02")
