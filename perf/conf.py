"""perf's own settings with their defaults: a project sets those it wants otherwise."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import inf
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

DEFAULTS: dict[str, Any] = {
    "BASE_DIR": Path.cwd(),  # places are told from here
    "DATA_DIR": Path.cwd() / "var",  # benchmarks are written below it
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


class _Must(NamedTuple):
    """What a setting must be, in words, and whether a value is."""

    be: str
    accepts: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < inf


def _is_whole(value: Any) -> bool:
    return _is_number(value) and isinstance(value, int) and value >= 1


def _are_limits(value: Any) -> bool:
    pairs = value.values() if isinstance(value, dict) else [None]
    return all(isinstance(pair, tuple | list) and len(pair) == 2 and all(map(_is_number, pair)) for pair in pairs)


_SWITCH = _Must("True or False", lambda value: isinstance(value, int) and value in {0, 1})
_NUMBER = _Must("a number of 0 or more", _is_number)
_WHOLE = _Must("a whole number of 1 or more", _is_whole)
_MUST: dict[str, _Must] = {
    "BASE_DIR": _Must("a path", lambda value: isinstance(value, str | PathLike)),
    "DATA_DIR": _Must("a path", lambda value: isinstance(value, str | PathLike)),
    "TESTING": _SWITCH,
    "ENABLE_MONITORING": _SWITCH,
    "SLOW_REQUEST_THRESHOLD": _NUMBER,
    "SLOW_QUERY_THRESHOLD": _NUMBER,
    "PROFILE_QUERIES": _SWITCH,
    "RATE_LIMITS": _Must("like {name: (limit, seconds)}", _are_limits),
    "PERF_STORE": _Must('"database" or "memory"', lambda value: value in ("database", "memory")),
    "PERF_FLUSH_SECONDS": _NUMBER,
    "PERF_MAX_SHARE": _NUMBER,
    "PERF_MAX_SERIES": _WHOLE,
    "PERF_PAGE_VIEW_DAYS": _WHOLE,
}


@cache
def setting(name: str) -> Any:
    """The project's setting `name`, or perf's default."""
    return getattr(settings, name, DEFAULTS[name])


def refuse_wrong_ones() -> None:
    """Raise ImproperlyConfigured if a setting is what it cannot be: at the start, where a web server checks nothing."""
    wrong = [
        f"{name} is {setting(name)!r}; it must be {must.be}."
        for name, must in _MUST.items()
        if not must.accepts(setting(name))
    ]
    if wrong:
        raise ImproperlyConfigured(" ".join(wrong))


def _changed(**_: Any) -> None:
    setting.cache_clear()


setting_changed.connect(_changed)
