"""How each family's answers were come by: counted in the memory of this process, passed on with all it recorded."""

from __future__ import annotations

import os
import threading
from collections import Counter

from perf import recording
from perf.cache.keys import Family
from perf.conf import setting
from perf.series import COUNT, Count, Labels, Series
from perf.traces import current

READS, BYTES, SAVED = "cache", "cache.bytes", "cache.saved"
"""Series of counts by family: reads by outcome too; bytes served; microseconds that answers did not take to compute."""

OUTCOMES = ("hits", "stale", "misses")


class _Counted:
    """What was not passed on yet. Summed here: a read costs less than three appended values would."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.amounts: Counter[tuple[str, str, str]] = Counter()  # by series, family and outcome


_counted = _Counted()


def count(family: Family, outcome: str, *, size: int = 0, saved: float = 0.0) -> None:
    """Count one read as hits, misses or stale; `size` bytes served and seconds `saved` where the cache had it."""
    if not setting("ENABLE_MONITORING"):
        return
    name = family.subject
    if (trace := current()) is not None:
        trace.call(name, outcome)
    with _counted.guard:
        amounts = _counted.amounts
        amounts[READS, name, outcome] += 1
        if size:
            amounts[BYTES, name, ""] += size
            amounts[SAVED, name, ""] += round(saved * 1e6)


def gathered() -> Series:
    """What this process counted since the last call."""
    with _counted.guard:
        amounts, _counted.amounts = _counted.amounts, Counter()
    series: Series = {}
    for (what, family, outcome), amount in amounts.items():
        labels = {"family": family, "outcome": outcome} if outcome else {"family": family}
        series.setdefault((COUNT, what), {})[Labels.of(labels)] = Count(amount)
    return series


def forget() -> None:
    """Begin empty, as a fresh process does: after a fork. Tests do, too."""
    global _counted  # noqa: PLW0603  # its lock may be held by a thread that this process does not have
    _counted = _Counted()


recording.sources.append(gathered)
os.register_at_fork(after_in_child=forget)
