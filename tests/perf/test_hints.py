"""Hints reach the broker that answers and wait for no other, whether it is gone, hangs, or hangs in the middle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.db import transaction
from redis import Redis

from perf import hints
from tests.perf.tasks_of_a_test import QUEUE, app, works

WAITS = 10  # seconds within which even a busy machine has given up


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Names the broker for the length of a test."""
    yield lambda url: monkeypatch.setattr(app.conf, "broker_url", url)
    hints._breaker.succeeded()


def test_a_broker_that_answers_takes_the_hint() -> None:
    assert hints.send(works, queue=QUEUE)
    with Redis.from_url(app.conf.broker_url) as queue:
        assert queue.llen(QUEUE) == 1


@pytest.mark.timeout(WAITS)
@pytest.mark.parametrize("asked_first", [False, True], ids=["before", "in the middle"])
def test_nobody_waits_for_a_broker_that_hangs(
    broker: Any, own_valkey: Any, monkeypatch: pytest.MonkeyPatch, asked_first: bool
) -> None:
    def ping(_: Redis) -> None:
        own_valkey.hang()

    broker(own_valkey.url)
    if asked_first:
        monkeypatch.setattr(Redis, "ping", ping)
    else:
        own_valkey.hang()
    assert not hints.send(works, queue=QUEUE)
    assert hints._breaker.is_open


def test_after_a_failure_none_is_asked_for_a_while(broker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def ping(_: Redis) -> None:
        asked.append(1)
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(Redis, "ping", ping)
    assert [hints.send(works) for _ in range(3)] == [False] * 3
    assert asked == [1]


@pytest.mark.django_db(transaction=True)
def test_a_hint_is_sent_after_the_commit_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(works, "apply_async", lambda **_: sent.append("sent"))
    with transaction.atomic():
        hints.after_commit(works)
        transaction.set_rollback(True)
    with transaction.atomic():
        hints.after_commit(works)
        assert sent == []
    assert sent == ["sent"]
