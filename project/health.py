"""Whether the process lives and whether what it stands on answers, for load balancers and people."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from redis import Redis
from redis.exceptions import RedisError

from perf.access import anyone
from scraping import heartbeats

logger = logging.getLogger(__name__)


@anyone
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers; asks nobody."""
    return HttpResponse("ok\n", content_type="text/plain")


@anyone
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, cache and broker answer, else 503 naming which does not; reasons go to the log alone.

    Worker and beat are named too, as "ok", "silent" (not seen for ten minutes) or "never": pages work without them.
    """
    answers = {name: _answers(name, ask) for name, ask in PARTS.items()}
    parts = {name: "ok" if well else "down" for name, well in answers.items()}
    processes = heartbeats.states() if answers["database"] else {}
    return JsonResponse(parts | processes, status=200 if all(answers.values()) else 503)


def _answers(name: str, ask: Callable[[], object]) -> bool:
    try:
        ask()
    except (DatabaseError, RedisError, OSError) as error:
        logger.warning("%s does not answer: %s", name, error)
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ping(url: str) -> None:
    """Ask the Redis at `url`; an empty address (the cache in process memory) always answers."""
    if not url:
        return
    timeout = settings.REDIS_TIMEOUT
    with Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout) as server:
        server.ping()


PARTS: dict[str, Callable[[], object]] = {
    "database": _ask_database,
    "cache": lambda: _ping(settings.REDIS_URL),
    "broker": lambda: _ping(settings.BROKER_URL),
}
