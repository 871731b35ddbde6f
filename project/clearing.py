"""Emptying the product's own cache by hand, on the record."""

from __future__ import annotations

from typing import Any

from perf import cache
from perf.events import happened


def clear_cache(by: Any) -> int:
    """Drop every cached answer of ours and return how many there were; sessions, limits and the queue stay.

    `by` is the user who asks, or None for the command line. Raises perf.cache.Unreachable when Redis does not answer.
    """
    count = cache.clear()
    happened(by, "cache.cleared", "", {"entries": count})
    return count
