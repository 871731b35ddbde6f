"""Where answers and generations are kept: in Redis for all processes, or in the memory of this one."""

from __future__ import annotations

from django.core.cache import caches
from django_redis.cache import RedisCache

from perf.cache.contract import ALIAS, Store
from perf.cache.local import LOCAL
from perf.cache.shared import SHARED


def is_shared() -> bool:
    """Whether all processes share one cache; else each has its own."""
    return isinstance(caches[ALIAS], RedisCache)


def store() -> Store:
    """The store that settings.CACHES asks for."""
    return SHARED if is_shared() else LOCAL


def clear() -> int:
    """Drop every cached answer, and nothing else in that Redis; returns how many. May raise Unreachable."""
    return store().clear()


def stored(root: str = "") -> dict[str, int]:
    """What is stored under `root` now: key (without prefix and version) → seconds left. May raise Unreachable."""
    return store().stored(root)
