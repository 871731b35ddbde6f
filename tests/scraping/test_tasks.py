"""The doorways from Celery, its schedule, and a real worker behind them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from celery.schedules import crontab
from celery.signals import beat_init, worker_ready
from django.db import transaction
from django.test import Client

from accounts.models import Account
from accounts.platforms import PLATFORMS
from perf import clock, hints
from project.celery import app
from scraping import alerts, ledger, pauses, tasks
from scraping.fakes import curves
from scraping.gather import gather
from scraping.models import Alert, Heartbeat, Rank, ScrapeJob, ScrapeRun
from tests.factories import account, user


def request(*accounts: Account) -> ScrapeRun:
    return ledger.request_scrape(Account.objects.filter(pk__in=[one.pk for one in accounts]), None)


@pytest.fixture
def sent(monkeypatch: Any) -> list[dict[str, Any]]:
    """The turns that were sent, instead of sending them."""
    turns: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.gather_batches, "apply_async", lambda **options: turns.append(options))
    return turns


def test_a_turn_is_sent_to_every_platform_with_due_work_the_best_first(
    db: None, fakes: Any, sent: list[dict[str, Any]]
) -> None:
    request(account("x"), account("flickr"))
    ScrapeJob.objects.filter(platform="flickr").update(rank=Rank.REST)
    request(account("youtube"))
    pauses.pause("youtube", clock.now() + timedelta(hours=1), "quota")
    tasks.dispatch()
    assert {(turn["queue"], turn["priority"]) for turn in sent} == {("x", 0), ("flickr", 8)}
    assert all(turn["kwargs"]["platform"] == turn["queue"] for turn in sent)


def test_nothing_due_sends_nothing_and_still_shows_life(db: None, sent: list[dict[str, Any]]) -> None:
    tasks.dispatch(by="beat")
    assert sent == []
    assert set(Heartbeat.objects.values_list("process", flat=True)) == {"worker", "beat"}


def test_everything_periodic_is_in_beats_schedule() -> None:
    scheduled = {entry["task"].rpartition(".")[2]: entry for entry in app.conf.beat_schedule.values()}
    seconds = {name: entry["schedule"] for name, entry in scheduled.items() if isinstance(entry["schedule"], float)}
    assert seconds == {"plan": 300, "sweep": 30, "dispatch": 10, "watch": 60, "roll_up": 300} | {
        "write_exports": 5,
        "expire_exports": 600,
        "process_photos": 60,
        "tidy_photos": 600,
        "sweep_uploads": 600,
        "keep_documents": 30,
        "write_bundles": 5,
        "expire_bundles": 600,
        "send_notices": 30,
    }
    assert scheduled["prune"]["schedule"] == crontab(hour=6, minute=30)
    app.loader.import_default_modules()  # as a worker does when it starts
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_what_touches_files_of_one_disk_is_for_the_host_that_has_it() -> None:
    asked = {name: entry["options"].get("queue") for name, entry in app.conf.beat_schedule.items()}
    assert {name for name, queue in asked.items() if queue == "exports"} == {
        *("write_exports", "expire_exports", "write_bundles", "expire_bundles", "sweep_uploads"),
    }


def test_every_platform_has_its_queue_and_0_is_the_highest_priority() -> None:
    assert {queue.name for queue in app.conf.task_queues} == {"control", "images", *PLATFORMS, "exports"}
    assert app.conf.broker_transport_options["priority_steps"] == list(range(10))
    assert app.conf.broker_transport_options["queue_order_strategy"] == "priority"
    assert app.conf.broker_transport_options["visibility_timeout"] > app.conf.task_time_limit
    assert (app.conf.task_acks_late, app.conf.task_reject_on_worker_lost) == (True, False)
    assert (app.conf.worker_prefetch_multiplier, app.conf.task_ignore_result) == (1, True)


@pytest.fixture
def no_broker(monkeypatch: Any) -> Iterator[None]:
    """Nobody takes messages; see tests/perf/test_hints.py for one that hangs."""
    monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    yield
    hints._breaker.succeeded()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_broker")
def test_a_request_is_promised_without_a_broker() -> None:
    account("x")
    client = Client()
    client.force_login(user("editor"))
    answer = client.post("/api/scrapes", {"scope": "all"}, content_type="application/json")
    assert answer.status_code == 202
    assert ScrapeJob.objects.open().count() == 1
    assert hints._breaker.is_open


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_request_wakes_nobody(monkeypatch: Any) -> None:
    woken: list[str] = []
    monkeypatch.setattr(tasks.dispatch, "apply_async", lambda **_: woken.append("woken"))
    with transaction.atomic():
        tasks.wake()
        transaction.set_rollback(True)
    assert woken == []
    with transaction.atomic():
        tasks.wake()
    assert woken == ["woken"]


@pytest.mark.req("A11")
@pytest.mark.django_db(transaction=True)
def test_what_a_worker_process_gathered_is_on_the_next_page(worker: Callable[..., Any], fakes: Any) -> None:
    one, absent = account("flickr", "nasa"), account("flickr", "nosuchone")
    with clock.shifted(timedelta(days=-1)):
        request(one)
        gather("flickr", time.monotonic() + 10)
    client = Client()
    client.force_login(user("viewer"))
    assert [client.get("/api/summary")["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]
    run = request(one, absent)
    worker("control", "flickr", FAKE_PLATFORMS_URL=fakes.url, SCRAPE_PAGE_PLATFORMS="flickr")
    tasks.dispatch.delay()
    deadline = time.monotonic() + 30
    while ScrapeRun.objects.open().exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    run.refresh_from_db()
    assert run.finished_at is not None
    fresh = client.get("/api/summary")
    assert fresh["X-Cache"] == "MISS"
    assert [row["followers"] for row in fresh.json()] == [curves.figures("flickr", "nasa", clock.today())["followers"]]
    assert client.get("/api/summary")["X-Cache"] == "HIT"


# --- Who looks when one of the two is gone


def test_a_ready_worker_asks_for_a_look_each_minute_without_beat(monkeypatch: Any) -> None:
    class Timer:
        def call_repeatedly(self, seconds: float, call: Callable[[], None]) -> None:
            calls.append((seconds, call))

    class Consumer:
        timer = Timer()

    calls: list[tuple[float, Callable[[], None]]] = []
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.watch, "apply_async", lambda **options: asked.append(options))
    worker_ready.send(sender=Consumer())
    ((seconds, call),) = calls
    assert seconds == 60
    call()
    assert [options["expires"] for options in asked] == [60]


@pytest.mark.usefixtures("no_broker")
def test_a_worker_without_a_broker_goes_on() -> None:
    tasks.watch_without_beat()
    assert hints._breaker.is_open


def test_beat_starts_to_look_after_the_workers(monkeypatch: Any) -> None:
    looked = Event()
    monkeypatch.setattr(alerts, "watch_for_workers", lambda stop: looked.set())
    beat_init.send(sender=None)
    assert looked.wait(5)


@pytest.mark.django_db
def test_who_looks_is_a_worker_at_work_and_notices_that_beat_is_gone() -> None:
    with clock.shifted(-timedelta(minutes=11)):
        ledger.beat("beat", "worker")
    tasks.watch()
    assert list(Alert.objects.open().values_list("kind", "key")) == [(Alert.Kind.SILENT, "beat")]
