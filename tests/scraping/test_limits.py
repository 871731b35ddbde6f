"""Platforms' limits: exact over many processes and threads, and not to be overspent by losing Redis's memory."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import redis
from django.conf import settings as project_settings
from django.db import connection, connections

from perf import clock
from project.embedded import Valkey
from scraping import limits, pauses
from scraping.connectors.base import Window
from scraping.limits import Ask, Limit, Permit, Wait, acquire, give_back
from scraping.models import PermitBlock
from scraping.outcomes import Waiting

ONE = [Ask()]


def limit(*windows: Window, platform: str = "x", host: str = "") -> Limit:
    return Limit.of(platform, "secret", host, windows)


def broker() -> redis.Redis:
    return redis.Redis.from_url(project_settings.BROKER_URL)


def take(which: Limit, calls: int = 1) -> int:
    """How many of `calls` single calls are permitted now; they end at once."""
    permit = acquire(which, [Ask()] * calls)
    if isinstance(permit, Wait):
        return 0
    give_back(which, permit, permit.calls, Decimal(0))
    return permit.covers


# --- Windows


@pytest.mark.req("A63")
def test_a_sliding_window_never_holds_more(db: None) -> None:
    hourly = limit(Window(10, 3600))
    assert take(hourly, 7) == 7
    with clock.shifted(timedelta(minutes=30)):
        assert take(hourly, 7) == 3
        assert take(hourly) == 0
    with clock.shifted(timedelta(minutes=61)):
        assert take(hourly, 20) == 7


def test_every_window_of_a_limit_holds(db: None) -> None:
    both = limit(Window(5, 60), Window(8, 3600))
    assert take(both, 10) == 5
    with clock.shifted(timedelta(minutes=2)):
        assert take(both, 10) == 3
    with clock.shifted(timedelta(minutes=4)):
        refused = acquire(both, ONE)
        assert isinstance(refused, Wait)
        assert timedelta(minutes=55) < refused.until - clock.now() <= timedelta(hours=1)


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(days=1)])
def test_a_window_is_free_in_time_though_the_servers_clock_was_put_back(db: None, step: timedelta) -> None:
    minute = limit(Window(5, 60))
    with clock.shifted(step):
        assert take(minute, 5) == 5
    assert take(minute) == 0, "what was taken before still counts"
    with clock.shifted(timedelta(seconds=61)):
        assert take(minute, 9) == 5


def test_a_calendar_window_ends_at_its_own_midnight(db: None) -> None:
    daily = limit(Window(4, 86_400, "America/Los_Angeles"), platform="youtube")
    assert take(daily, 9) == 4
    refused = acquire(daily, ONE)
    assert isinstance(refused, Wait)
    midnight = refused.until.astimezone(ZoneInfo("America/Los_Angeles"))
    assert (midnight.hour, midnight.minute, midnight.second) == (0, 0, 0)
    assert timedelta(0) < refused.until - clock.now() <= timedelta(hours=25)
    with clock.shifted(refused.until - clock.now() + timedelta(seconds=1)):
        assert take(daily, 9) == 4


def test_a_wrong_clock_of_ours_does_not_move_the_platforms_day(db: None, monkeypatch: Any) -> None:
    daily = limit(Window(4, 86_400, "UTC"))
    assert take(daily, 4) == 4
    wrong = datetime.now(UTC) + timedelta(days=3)
    monkeypatch.setattr(limits.clock, "now", lambda: wrong)
    assert take(daily, 4) == 0


def test_a_wrong_clock_of_ours_makes_no_call_under_way_free(db: None, monkeypatch: Any) -> None:
    hourly = limit(Window(2, 3600))
    wrong = datetime.now(UTC) - timedelta(hours=2)
    monkeypatch.setattr(limits.clock, "now", lambda: wrong)
    assert isinstance(acquire(hourly, ONE * 2), Permit)
    refused = acquire(hourly, ONE)
    assert isinstance(refused, Wait)
    assert timedelta(minutes=59) < refused.until - wrong <= timedelta(hours=1)


def test_a_slow_database_makes_no_permit_last_longer(db: None, monkeypatch: Any) -> None:
    reserve = limits._reserve

    def slow(*args: Any) -> Any:
        time.sleep(0.5)
        return reserve(*args)

    monkeypatch.setattr(limits, "_reserve", slow)
    before = time.monotonic()
    permit = acquire(limit(Window(1, 60)), ONE)
    assert isinstance(permit, Permit)
    assert permit.use_by < before + limits.START_SECONDS + 0.4


@pytest.mark.parametrize("lasts", [3_000, 80_000])
def test_a_person_who_resumes_a_platform_is_believed_more_than_its_headers(
    db: None, django_capture_on_commit_callbacks: Any, lasts: int
) -> None:
    hourly = limit(Window(10, 3600))
    assert take(hourly, 2) == 2
    limits.correct(hourly, 0, lasts)
    assert take(hourly) == 0
    with django_capture_on_commit_callbacks(execute=True):
        pauses.resume("x", None)
    assert take(hourly, 20) == 8


def test_a_call_under_way_counts_until_it_has_ended(db: None) -> None:
    short = limit(Window(1, 1))
    permit = acquire(short, ONE)
    assert isinstance(permit, Permit)
    with clock.shifted(timedelta(seconds=3)):
        assert isinstance(acquire(short, ONE), Wait)
        give_back(short, permit, 1, Decimal(0))
        assert isinstance(acquire(short, ONE), Wait)
    with clock.shifted(timedelta(seconds=4.1)):
        assert take(short) == 1


def test_what_is_given_back_can_be_taken_again(db: None) -> None:
    hourly = limit(Window(10, 3600))
    permit = acquire(hourly, [Ask()] * 10)
    assert isinstance(permit, Permit)
    give_back(hourly, permit, 4, Decimal(0))
    assert take(hourly, 10) == 6
    assert PermitBlock.objects.order_by("id").first().returned == 6


def test_calls_that_cost_more_spend_more(db: None) -> None:
    hourly = limit(Window(100, 3600))
    permit = acquire(hourly, [Ask(50)] * 3)
    assert isinstance(permit, Permit)
    assert (permit.covers, permit.calls) == (2, 100)
    with pytest.raises(ValueError, match="spends 101"):
        acquire(hourly, [Ask(101)])


def test_hosts_and_credentials_do_not_share(db: None) -> None:
    assert take(limit(Window(1, 60), host="a.example")) == 1
    assert take(limit(Window(1, 60), host="b.example")) == 1
    assert take(Limit.of("x", "another secret", "a.example", (Window(1, 60),))) == 1
    assert take(limit(Window(1, 60), host="a.example")) == 0


def test_a_credential_is_kept_as_a_hash_only(db: None) -> None:
    take(limit(Window(1, 60)))
    assert "secret" not in PermitBlock.objects.get().credential
    assert not [key for key in broker().scan_iter() if b"secret" in key]


def test_the_platforms_word_is_taken_when_it_is_smaller(db: None) -> None:
    hourly = limit(Window(10, 3600))
    take(hourly)
    limits.correct(hourly, 2, 600)
    limits.correct(hourly, 50, 600)
    assert take(hourly, 10) == 2
    refused = acquire(hourly, ONE)
    assert isinstance(refused, Wait)
    assert timedelta(minutes=9) < refused.until - clock.now() <= timedelta(minutes=10)
    with clock.shifted(timedelta(minutes=11)):
        assert take(hourly, 10) == 7


# --- Losing Redis's memory


def test_a_wiped_redis_remembers_what_was_spent(db: None) -> None:
    hourly = limit(Window(10, 3600))
    take(hourly, 4)
    killed = acquire(hourly, [Ask()] * 3)
    assert isinstance(killed, Permit)
    broker().flushall()
    assert take(hourly, 10) == 3
    broker().flushall()
    assert take(hourly, 10) == 0


def test_while_one_process_rebuilds_the_others_wait(db: None) -> None:
    broker().set(limits.LOCK, "somebody else", ex=30)
    refused = acquire(limit(Window(10, 60)), ONE)
    assert isinstance(refused, Wait)
    assert refused.why == Waiting.LIMITS_REBUILDING


def test_rows_read_before_another_rebuild_do_not_replace_it(db: None) -> None:
    """A slow rebuilder, whose lock was wiped or ran out, must not bring back its older view."""
    hourly = limit(Window(10, 3600))
    take(hourly, 6)
    server = broker()
    server.delete(limits.EPOCH)
    done = limits._scripts()["rebuild"](keys=[limits.EPOCH, limits.LOCK], args=["stale", limits.PREFIX], client=server)
    assert done == 0
    assert take(hourly, 10) == 4


@pytest.fixture
def own_redis(settings: Any, tmp_path: Any, socket_enabled: None) -> Iterator[Valkey]:
    """A Valkey of this test alone, which it may stop and start."""
    server = Valkey(tmp_path / "valkey", durable=True)
    server.start()
    settings.BROKER_URL = server.url(1)
    yield server
    server.stop()


def test_a_restarted_redis_is_rebuilt_from_the_rows(db: None, own_redis: Valkey) -> None:
    hourly = limit(Window(10, 3600))
    assert take(hourly, 4) == 4
    own_redis.stop()
    refused = acquire(hourly, ONE)
    assert isinstance(refused, Wait)
    assert refused.why == Waiting.LIMITS_UNAVAILABLE
    own_redis.start()  # its file brings the epoch back, and perhaps an older count
    assert take(hourly, 10) == 6


def test_a_redis_that_may_evict_grants_nothing(db: None, own_redis: Valkey) -> None:
    broker().config_set("maxmemory-policy", "allkeys-lru")
    refused = acquire(limit(Window(10, 3600)), ONE)
    assert isinstance(refused, Wait)
    assert refused.why == Waiting.LIMITS_EVICT


# --- Money


def test_the_budget_is_reserved_before_the_call(db: None, settings: Any) -> None:
    settings.X_MONTHLY_BUDGET_USD = 2.5
    free = limit(Window(300, 900))
    permit = acquire(free, [Ask(1, Decimal(1))] * 5)
    assert isinstance(permit, Permit)
    assert (permit.covers, permit.dollars) == (2, 2)
    refused = acquire(free, [Ask(1, Decimal(1))])
    assert isinstance(refused, Wait)
    assert refused.why == Waiting.BUDGET_SPENT
    give_back(free, permit, 2, Decimal("0.5"))
    again = acquire(free, [Ask(1, Decimal(1))] * 5)
    assert isinstance(again, Permit)
    assert again.covers == 2


def test_a_spent_budget_is_looked_at_again_within_the_hour(db: None, settings: Any) -> None:
    settings.X_MONTHLY_BUDGET_USD = 1
    refused = acquire(limit(Window(300, 900)), [Ask(1, Decimal(2))])
    assert isinstance(refused, Wait)
    assert refused.until - clock.now() <= timedelta(hours=1)


def test_a_wiped_redis_forgets_no_money(db: None, settings: Any) -> None:
    settings.X_MONTHLY_BUDGET_USD = 1
    acquire(limit(Window(300, 900)), [Ask(1, Decimal(1))])
    broker().flushall()
    refused = acquire(limit(Window(300, 900)), [Ask(1, Decimal(1))])
    assert isinstance(refused, Wait)
    assert refused.why == Waiting.BUDGET_SPENT


# --- Many at once


def spend_for(seconds: float, which: Limit) -> list[float]:
    """Take single calls as fast as permitted for a while; returns when each was made."""
    made = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        permit = acquire(which, [Ask()] * 3)
        if isinstance(permit, Wait):
            time.sleep(0.01)
            continue
        made += [time.monotonic() for _ in range(permit.covers)]
        give_back(which, permit, permit.covers, Decimal(0))
    connection.close()
    return made


def most_in(made: list[float], seconds: float) -> int:
    ordered = sorted(made)
    return max(sum(1 for at in ordered[i:] if at < start + seconds) for i, start in enumerate(ordered))


@pytest.mark.req("A63", "A105")
@pytest.mark.django_db(transaction=True)
def test_no_window_is_exceeded_by_twenty_threads_while_redis_is_wiped() -> None:
    which = limit(Window(20, 1))
    with ThreadPoolExecutor(20) as pool:
        turns = [pool.submit(spend_for, 3.0, which) for _ in range(20)]
        for _ in range(2):
            time.sleep(1.0)
            broker().flushall()
        made = [at for each in turns for at in each.result()]
    assert most_in(made, 1.0) <= 20
    assert len(made) >= 20


def _process(seconds: float, which: Limit, made: Any) -> None:
    connections.close_all()
    made.put(spend_for(seconds, which))


@pytest.mark.req("A63")
@pytest.mark.django_db(transaction=True)
def test_no_window_is_exceeded_by_four_processes() -> None:
    which = limit(Window(10, 1), Window(25, 3600))
    connections.close_all()
    forked = multiprocessing.get_context("fork")
    made: Any = forked.Queue()
    processes = [forked.Process(target=_process, args=(3.0, which, made)) for _ in range(4)]
    for process in processes:
        process.start()
    times = [at for _ in processes for at in made.get(timeout=60)]
    for process in processes:
        process.join()
    assert most_in(times, 1.0) <= 10
    assert len(times) == 25
