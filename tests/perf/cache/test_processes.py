"""The cache between processes, and with Redis in trouble."""

from __future__ import annotations

import pickle
from datetime import timedelta
from time import monotonic, sleep

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django_redis import get_redis_connection

from perf import clock
from perf.cache import Unreachable, cached, clear, forget
from perf.cache.shared import SHARED


def state_of(family, value: bytes = b"1") -> str:
    return cached(family, "a", lambda: value).state


def fail(*_: object) -> bytes:
    raise AssertionError("computed although the answer was stored")


@pytest.mark.req("A1", "A83", "B33")
def test_two_processes_share_values_answers_and_forgetting(family, other):
    cache.set(f"{family.name}-plain", {"n": 1})
    assert other.ask("get", f"{family.name}-plain") == "{'n': 1}"
    assert other.ask("read", family.name, "a", "theirs") == "MISS theirs"
    assert cached(family, "a", fail).value == b"theirs"
    other.ask("forget", family.name)
    assert state_of(family, b"ours") == "MISS"
    assert other.ask("read", family.name, "a", "unused") == "HIT ours"
    forget(family)
    assert other.ask("read", family.name, "a", "again") == "MISS again"


def test_a_writer_in_another_process_commits_and_is_killed(family, other):
    state_of(family)
    other.ask("open", family.name)
    assert [state_of(family), state_of(family)] == ["MISS", "MISS"]
    assert other.ask("commit") == "committed"
    assert [state_of(family), state_of(family)] == ["MISS", "HIT"]

    assert other.ask("open", family.name) == "open"
    other.kill()
    assert [state_of(family), state_of(family)] == ["MISS", "MISS"]
    with clock.shifted(timedelta(seconds=61)):
        assert [state_of(family, b"new"), state_of(family)] == ["MISS", "HIT"]


def test_an_idle_writer_that_missed_redis_forgets_everything_once_it_is_back(family, on_own_valkey):
    state_of(family, b"old")
    epoch = get_redis_connection().get("tidemark:epoch")
    on_own_valkey.stop()
    forget(family)
    on_own_valkey.start()
    for _ in range(600):
        sleep(0.05)
        found = redis.Redis.from_url(on_own_valkey.url).get("tidemark:epoch")
        if found != epoch:
            break
    assert epoch
    assert found not in (None, epoch)


def test_nothing_is_served_before_the_epoch_that_is_owed(family, on_own_valkey):
    state_of(family, b"old")
    on_own_valkey.stop()
    forget(family)
    on_own_valkey.start()
    SHARED.breaker.succeeded()
    assert state_of(family, b"new") == "MISS"


def test_stored_answers_survive_a_restart_without_a_missed_write(family, on_own_valkey):
    state_of(family, b"old")
    on_own_valkey.stop()
    on_own_valkey.start()
    get_redis_connection().connection_pool.disconnect()
    SHARED.breaker.succeeded()
    assert state_of(family) == "HIT"


@pytest.mark.req("A1")
def test_without_redis_everything_is_computed(family, on_own_valkey):
    on_own_valkey.stop()
    assert [state_of(family), state_of(family)] == ["MISS", "MISS"]
    with pytest.raises(Unreachable):
        clear()


def test_a_hung_redis_costs_one_timeout_and_then_nothing(family, on_own_valkey, monkeypatch):
    waited, breaker = [], SHARED.breaker
    monkeypatch.setattr(breaker, "failed", lambda failed=breaker.failed: (waited.append(monotonic()), failed()))
    monkeypatch.setattr(breaker, "rest", 600)  # however busy the machine is, the rest is not over
    state_of(family)
    on_own_valkey.hang()
    started = monotonic()
    assert [state_of(family) for _ in range(100)] == ["MISS"] * 100
    assert breaker.is_open
    [first] = waited
    assert settings.REDIS_TIMEOUT <= first - started < 5
    on_own_valkey.resume()
    redis.Redis.from_url(on_own_valkey.url).ping()
    breaker.rest = 0
    breaker.failed()  # whose rest is over at once
    assert [state_of(family), state_of(family)] == ["HIT", "HIT"]


def test_an_evicted_generation_does_not_revive_old_answers(family):
    state_of(family, b"old")
    get_redis_connection().delete(f"tidemark:family:{family.name}")
    assert state_of(family, b"new") == "MISS"


def test_an_evicted_epoch_does_not_revive_old_answers(family):
    state_of(family, b"old")
    get_redis_connection().delete("tidemark:epoch")
    assert state_of(family, b"new") == "MISS"


def test_answers_are_stored_as_bytes_and_other_values_as_json(family):
    cached(family, f"{family.name}:latest", lambda: b"body")
    assert get_redis_connection().get(f"tidemark:answers:{family.name}:latest").endswith(b"body")
    cache.set(family.name, {"a": [1]})
    assert get_redis_connection().get(f"tidemark:1:{family.name}") == b'j{"a":[1]}'


def test_a_pickle_in_redis_is_never_loaded(family):
    get_redis_connection().set("tidemark:answers:a", pickle.dumps(b"x"))
    assert state_of(family) == "MISS"
    get_redis_connection().set("tidemark:1:plain", pickle.dumps(b"x"))
    with pytest.raises(ValueError, match="not stored by"):
        cache.get("plain")


def test_the_script_is_sent_again_to_a_server_that_forgot_it(family):
    state_of(family)
    get_redis_connection().script_flush()
    assert state_of(family) == "HIT"
