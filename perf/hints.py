"""Hints to workers that there is something to do: sent at once where the broker answers, and never waited for.

A hint may be lost, since rows are the promise and beat has workers look at them anyway. So nobody who stores something
waits for a broker that is gone, and least of all for one that hangs.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from celery import Celery, Task
from django.db import transaction
from kombu import Connection
from kombu.exceptions import KombuError
from kombu.pools import producers
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from perf.cache.breaker import Breaker

SECONDS = 0.25  # that a broker has for an answer
LONGEST = 2.0  # seconds after which sending is given up, should the broker stop answering in the middle of it

logger = logging.getLogger(__name__)
_breaker = Breaker()


def after_commit(task: Task, **options: Any) -> None:
    """Hint at `task` once what this transaction promises is committed; `options` are those of apply_async."""
    transaction.on_commit(lambda: send(task, **options), robust=True)


def send(task: Task, **options: Any) -> bool:
    """Hint at `task` now; whether the broker took it. For two seconds after a failure none is tried."""
    if not _breaker.allows():
        return False
    try:
        _send(task, options)
    except (KombuError, RedisError, OSError) as error:
        _breaker.failed()
        logger.warning("A hint at %s was not sent, its turn comes with beat: %s", task.name, error)
        return False
    _breaker.succeeded()
    return True


def _send(task: Task, options: dict[str, Any]) -> None:
    """Ask the broker first: Celery tries for seconds where it finds none."""
    url = str(task.app.conf.broker_url)
    if url.startswith(("redis://", "rediss://", "unix://")):
        _client(url).ping()
    with producers[_connection(task.app, url)].acquire(block=True, timeout=LONGEST) as producer:
        task.apply_async(producer=producer, retry=False, **options)


@cache
def _client(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, retry=Retry(NoBackoff(), 0))


@cache
def _connection(app: Celery, url: str) -> Connection:
    """Celery's own would wait without end: a worker's reads are meant to."""
    patience = {"socket_timeout": LONGEST, "socket_connect_timeout": LONGEST, "max_retries": 1}
    return app.connection_for_write(url, transport_options=dict(app.conf.broker_transport_options) | patience)
