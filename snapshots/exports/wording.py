"""What an export was asked for, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from accounts.platforms import PLATFORMS

WORDS: dict[str, Callable[[Any], str]] = {
    "day": lambda name: "newest figures" if name == "latest" else f"figures of {_day(name)}",
    "from": lambda first: f"from {_day(first)}",
    "to": lambda last: f"to {_day(last)}",
    "platform": lambda name: PLATFORMS[name].label if name in PLATFORMS else name,
    "organization": str,
    "core": lambda yes: "core accounts" if yes else "accounts that are not core",
    "active": lambda yes: "active accounts" if yes else "inactive accounts",
    "freshness": lambda name: {"fresh": "fresh", "late": "late", "none": "without a figure"}.get(name, name),
    "today": lambda name: f"as of {_day(name)}",
    "tag": lambda names: f"tagged {' and '.join(names)}",
    "q": lambda text: f"“{text}”",
    "every": lambda _: "accounts without a figure too",
    "fields": lambda names: f"columns {names}",
    "sort": lambda name: f"sorted by {name.removeprefix('-')}{', descending' if name.startswith('-') else ''}",
}
"""By the names that ExportFilters.given writes, in the order that a person says them."""


def told(given: Mapping[str, Any]) -> str:
    """Filters as one line: “X · core accounts · from 1 Jan 2026”; all figures when there are none."""
    return " · ".join(say(given[name]) for name, say in WORDS.items() if name in given) or "all figures"


def _day(text: str) -> str:
    day = dt.date.fromisoformat(text)
    return f"{day.day} {day:%b %Y}"
