"""Where answers and generations are kept: in Redis for all processes, or in the memory of this one."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from perf.cache.contract import ALIAS, Store
from perf.cache.local import LOCAL


def is_shared() -> bool:
    """Whether all processes share one cache; else each has its own."""
    return _is_redis(settings.CACHES[ALIAS]["BACKEND"])


@cache
def _is_redis(backend: str) -> bool:
    """Whether `backend` is django-redis's or made of it; a project without Redis need not have it installed."""
    return any(base.__module__.startswith("django_redis.") for base in import_string(backend).__mro__)


def store() -> Store:
    """The store that settings.CACHES asks for."""
    if not is_shared():
        return LOCAL
    from perf.cache.shared import SHARED  # noqa: PLC0415  # its packages are there when it is asked for

    return SHARED


def clear() -> int:
    """Drop every cached answer, and nothing else in that Redis; returns how many. May raise Unreachable."""
    return store().clear()


def stored(root: str = "") -> dict[str, int]:
    """What is stored under `root` now: key (without prefix and version) → seconds left. May raise Unreachable."""
    return store().stored(root)
