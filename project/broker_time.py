"""The time by the broker's clock, so that one machine's wrong clock neither drops messages nor holds back beat."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from perf import clock

ASKED_EVERY = 60.0  # seconds; between two answers the time goes on by the processor, which no step of a clock moves
PATIENCE = 0.25  # seconds that the broker has for an answer


class BrokerTime:
    """The present instant by the clock of the Redis at `url`; by our own until it has answered once."""

    def __init__(self, url: str) -> None:
        no_retry = Retry(NoBackoff(), 0)
        self._client = Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=no_retry)
        self._asked_at = -ASKED_EVERY
        self._answer: tuple[datetime, float] | None = None  # the broker's time, and at which monotonic()

    def now(self) -> datetime:
        """Aware, in UTC. Never raises and never waits longer than PATIENCE."""
        if monotonic() - self._asked_at >= ASKED_EVERY:
            self._asked_at = monotonic()
            with suppress(RedisError, OSError):  # what it said before still holds
                self._answer = self._ask()
        if self._answer is None:
            return clock.now()
        then, at = self._answer
        return then + timedelta(seconds=monotonic() - at)

    def _ask(self) -> tuple[datetime, float]:
        seconds, microseconds = self._client.time()
        return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds), monotonic()


broker_time = BrokerTime(settings.BROKER_URL)
