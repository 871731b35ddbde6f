"""Counters per family, summed over all processes: buffered here, added to the store about once a second."""

from __future__ import annotations

import atexit
import threading
from collections import Counter
from time import monotonic
from typing import TypedDict

from perf import recording
from perf.cache.contract import Unreachable
from perf.cache.keys import Family
from perf.cache.store import store
from perf.traces import current

FLUSH_SECONDS = 1.0
OUTCOMES = ("hits", "stale", "misses")


class FamilyCounts(TypedDict):
    """How one family's answers were come by; `bytes` served from the cache, `saved_ms` not spent computing."""

    hits: int
    misses: int
    stale: int
    bytes: int
    saved_ms: float
    hit_rate: float | None


class _Buffer:
    """Counts that have not been added to the store yet."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._flushed = monotonic()

    def add(self, counts: dict[str, int]) -> None:
        """Count, and pass on what has gathered once it is due."""
        with self._guard:
            self._counts.update(counts)
            due = monotonic() - self._flushed >= FLUSH_SECONDS
        if due:
            self.flush()

    def flush(self) -> None:
        """Pass everything on; what cannot be passed on stays for the next time."""
        with self._guard:
            counts, self._counts = self._counts, Counter()
            self._flushed = monotonic()
        if not counts:
            return
        try:
            store().add_counts(dict(counts))
        except Unreachable:
            with self._guard:
                self._counts.update(counts)
        else:
            _record(counts)


def _record(counts: Counter[str]) -> None:
    """Put the same into perf's series: reads by family and outcome, bytes served, microseconds saved."""
    for name, amount in counts.items():
        family, _, what = name.rpartition(" ")
        if what in OUTCOMES:
            recording.count("cache", amount, family=family, outcome=what)
        else:
            recording.count("cache.bytes" if what == "bytes" else "cache.saved", amount, family=family)


_buffer = _Buffer()
atexit.register(_buffer.flush)


def count(family: Family, outcome: str, *, size: int = 0, saved: float = 0.0) -> None:
    """Count one read as hits, misses or stale; `size` bytes served and seconds `saved` where the cache had it."""
    if (trace := current()) is not None:
        trace.call(family.subject, outcome)
    counts = {f"{family.subject} {outcome}": 1}
    if size:
        counts[f"{family.subject} bytes"] = size
        counts[f"{family.subject} saved_us"] = round(saved * 1e6)
    _buffer.add(counts)


def counters() -> dict[str, FamilyCounts]:
    """Per family what all processes have counted, but for the others' last second. May raise Unreachable."""
    _buffer.flush()
    counts = store().counts()
    families = sorted({name.rpartition(" ")[0] for name in counts})
    return {family: _of(family, counts) for family in families}


def _of(family: str, counts: dict[str, int]) -> FamilyCounts:
    hits, misses, stale = (counts.get(f"{family} {outcome}", 0) for outcome in ("hits", "misses", "stale"))
    reads = hits + misses + stale
    return {
        "hits": hits,
        "misses": misses,
        "stale": stale,
        "bytes": counts.get(f"{family} bytes", 0),
        "saved_ms": counts.get(f"{family} saved_us", 0) / 1000,
        "hit_rate": (hits + stale) / reads if reads else None,
    }
