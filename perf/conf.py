"""perf's own settings with their defaults: a project sets those it wants otherwise."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

DEFAULTS: dict[str, Any] = {
    "BASE_DIR": Path.cwd(),  # places are told from here
    "TESTING": False,
    "ENABLE_MONITORING": True,
    "SLOW_REQUEST_THRESHOLD": 1.0,  # seconds
    "SLOW_QUERY_THRESHOLD": 0.1,  # seconds
    "PROFILE_QUERIES": False,
    "RATE_LIMITS": {},  # see perf/rates.py
    "PERF_STORE": "database",  # or "memory": each process keeps and shows what it recorded itself
    "PERF_FLUSH_SECONDS": 5.0,  # between two flushes of a process; 0: only when asked, as in tests
    "PERF_MAX_SHARE": 0.05,  # of one core that measuring may take; above it traces list nothing for a minute
    "PERF_MAX_SERIES": 5_000,  # of one process between two flushes; what would be one more is counted as shed
    "PERF_PAGE_VIEW_DAYS": 30,  # that a single view of a page, as its browser timed it, is kept
}


@cache
def setting(name: str) -> Any:
    """The project's setting `name`, or perf's default."""
    return getattr(settings, name, DEFAULTS[name])


def _changed(**_: Any) -> None:
    setting.cache_clear()


setting_changed.connect(_changed)
