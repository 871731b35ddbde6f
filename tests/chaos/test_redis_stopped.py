"""Redis stopped in the middle of a run, with worker and beat as in production: it goes on by itself when Redis does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.db.models import Count

from accounts.models import Account
from project.embedded import Valkey
from scraping import ledger
from scraping.fakes import curves, server
from scraping.models import Attempt, Heartbeat, JobState, PlatformState, ScrapeJob, ScrapeRun
from scraping.outcomes import OK, Waiting
from snapshots.models import Snapshot
from tests import processes
from tests.factories import organization

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]
ACCOUNTS = 30  # fewer than the platform allows a minute


@pytest.fixture
def fakes_url() -> Iterator[str]:
    url, stop = server.start()
    yield url
    stop()


@pytest.fixture
def run() -> ScrapeRun:
    where = organization()
    for number in range(ACCOUNTS):
        Account.objects.create(platform="flickr", handle=f"one{number}", organization=where)
    return ledger.request_scrape(Account.objects.all(), None)


def settings_of_worker(fakes_url: str, **more: str) -> dict[str, str]:
    return {
        "FAKE_PLATFORMS_URL": fakes_url,
        "SCRAPE_PAGE_PLATFORMS": "flickr",
        "SCRAPE_WORKERS": "3",
        "LEASE_SECONDS": "35",
        **more,
    }


def latency(fakes_url: str, seconds: float) -> None:
    import json
    import urllib.request

    body = json.dumps({"latency": [seconds, seconds]}).encode()
    urllib.request.urlopen(f"{fakes_url}/_fake/faults", data=body, timeout=5).close()  # noqa: S310 - loopback


def until(true: Callable[[], bool], seconds: float = 60, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Wait for `true`, and do `meanwhile` every other second."""
    started = time.monotonic()
    for look in count():
        if true():
            return
        assert time.monotonic() - started < seconds, "it did not come about in time"
        if look % 10 == 9:
            meanwhile()
        time.sleep(0.2)


def done() -> int:
    return ScrapeJob.objects.filter(state=JobState.DONE).count()


def assert_whole(run: ScrapeRun) -> None:
    """Every account has the platform's own figure exactly once, and the run knows that it is over."""
    run.refresh_from_db()
    assert run.state == ScrapeRun.State.DONE
    assert set(ScrapeJob.objects.values_list("state", "outcome")) == {(JobState.DONE, OK)}
    assert Snapshot.objects.count() == ACCOUNTS
    twice = Attempt.objects.filter(outcome=OK).values("account").annotate(n=Count("id")).filter(n__gt=1)
    assert not twice.exists()
    for shot in Snapshot.objects.select_related("account"):
        assert shot.followers == curves.figures("flickr", shot.account.handle, shot.date)["followers"]


@pytest.fixture
def own_redis(settings: Any, tmp_path: Any, socket_enabled: None) -> Iterator[Valkey]:
    """A Valkey of this test alone, which it may stop and start."""
    valkey = Valkey(tmp_path / "valkey", durable=False)
    valkey.start()
    settings.BROKER_URL = valkey.url(1)
    yield valkey
    valkey.stop()


def test_redis_stopped_pauses_a_run_which_goes_on_when_it_is_back(
    fakes_url: str, run: ScrapeRun, own_redis: Valkey
) -> None:
    """Worker and beat run as in production; whoever runs them restarts them when they exit."""
    latency(fakes_url, 0.2)
    env = settings_of_worker(fakes_url, BROKER_URL=own_redis.url(1))
    beat = ["-m", "celery", "-A", "project", "beat", "--schedule", str(own_redis.directory / "beat"), "--pidfile="]
    running = [
        processes.start_worker("control", "flickr", **env),
        processes.start("beat", beat, processes.environment(**env)),
    ]

    def restart() -> None:
        for place, command in ((0, None), (1, beat)):
            if running[place].popen.poll() is not None:
                running[place] = (
                    processes.start("beat", command, processes.environment(**env))
                    if command
                    else processes.start_worker("control", "flickr", **env)
                )

    try:
        with current_app.connection_for_write(own_redis.url(1)) as broker:  # beat's own comes after ten seconds
            current_app.send_task("scraping.tasks.dispatch", connection=broker, queue="control")
        until(lambda: 3 <= done() < ACCOUNTS)
        own_redis.stop()
        until(lambda: PlatformState.objects.filter(why=Waiting.LIMITS_UNAVAILABLE).exists(), 20)
        stopped_at = done()
        time.sleep(1)
        assert done() == stopped_at
        own_redis.start()
        until(lambda: not ScrapeRun.objects.open().exists(), 90, meanwhile=restart)
        assert_whole(run)
        assert Heartbeat.objects.count() == 2  # the worker's and beat's
    finally:
        for process in running:
            process.kill()
        connection.close()
