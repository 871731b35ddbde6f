"""Redis watched: memory, evictions and policy of a real server, and what is said about them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from perf.sizes import redis_servers
from perf.sizes.redis_servers import CACHE, QUEUE, Memory, Server, Silent
from project.embedded import Valkey, free_port


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of its own, which tests set as they need it."""
    server = Valkey(Path(tmp_path_factory.mktemp("valkey")), durable=False)
    server.start()
    yield server.url(0)
    server.stop()


def asked(url: str, *uses: str, **configured: object) -> Memory:
    with redis.Redis.from_url(url) as client:
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")
        for name, value in configured.items():
            client.config_set(name.replace("_", "-"), value)
    found = redis_servers.ask(Server(url, uses))
    assert isinstance(found, Memory)
    return found


@pytest.mark.req("A103")
def test_server_tells_what_it_uses_used_and_evicted(valkey: str) -> None:
    with redis.Redis.from_url(valkey) as client:
        used = client.info()["used_memory"]
        asked(valkey, CACHE, maxmemory=used + 500_000, maxmemory_policy="allkeys-lru")
        for number in range(1_500):
            client.set(f"key {number}", b"x" * 1_000)
        found = redis_servers.ask(Server(valkey, (CACHE,)))
        assert isinstance(found, Memory)
        assert found.limit == used + 500_000
        assert (found.policy, found.version.split()[0]) == ("allkeys-lru", "Valkey")
        assert 0 < found.used <= found.peak
        assert found.evicted == client.info()["evicted_keys"] > 0
        assert found.advice() == []  # it is full, and does its work
        client.flushall()


@pytest.mark.req("A103")
@pytest.mark.parametrize(("share", "levels"), [(0.75, []), (0.9, ["attention"]), (0.97, ["wrong"])])
def test_queue_that_fills_up_is_told_before_it_refuses_writes(share: float, levels: list[str], valkey: str) -> None:
    used = asked(valkey, QUEUE).used
    found = asked(valkey, QUEUE, maxmemory=int(used / share))
    assert [one.level for one in found.advice()] == levels


def test_policies_are_judged_by_what_a_server_is_for(valkey: str) -> None:
    much = asked(valkey).used * 10
    evicting, keeping = ({"maxmemory": much, "maxmemory_policy": name} for name in ("allkeys-lru", "noeviction"))
    assert [one.level for one in asked(valkey, CACHE, QUEUE, **evicting).advice()] == ["wrong"]
    assert [one.level for one in asked(valkey, CACHE, **keeping).advice()] == ["attention"]
    assert asked(valkey, CACHE, **evicting).advice() == asked(valkey, CACHE, QUEUE, **keeping).advice() == []


def test_server_that_does_not_answer_is_told_with_what_waits() -> None:
    found = redis_servers.ask(Server(f"redis://:secret@127.0.0.1:{free_port()}/1", (QUEUE,)))
    assert isinstance(found, Silent)
    assert "Tasks and limits wait" in found.advice()[0].text
    assert "secret" not in found.advice()[0].text + repr(found)


def test_numbered_databases_of_one_server_are_one_server(settings: Any) -> None:
    settings.CACHES = settings.CACHES | {"default": settings.CACHES["default"] | {"LOCATION": "redis://a:6379/0"}}
    settings.CELERY_BROKER_URL = "redis://a/1"
    assert [(one.name, one.shown) for one in redis_servers.servers()] == [("cache and queue", "a:6379")]
    settings.CELERY_BROKER_URL = "redis://:secret@a:6380/0"
    assert [(one.name, one.shown) for one in redis_servers.servers()] == [("cache", "a:6379"), ("queue", "a:6380")]
    assert "secret" not in repr(redis_servers.servers())


def test_project_without_redis_has_no_servers(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.CELERY_BROKER_URL = "amqp://a"
    assert redis_servers.servers() == []
