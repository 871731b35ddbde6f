"""What computing an answer costs, and how many readers compute it at once: a cache is there to prevent that."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from perf import recording, traces
from perf.cache.keys import Slot

ALONE = ""
WRITER = "writer"  # the family has an open writer: nothing is kept meanwhile
WAITED = "waited"  # another reader took longer than this one waits
UNREACHABLE = "unreachable"  # the cache's server does not answer


class _Computing:
    """How many threads of this process compute each answer now."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.present: Counter[tuple[str, str]] = Counter()


_now = _Computing()


@contextmanager
def computing(slot: Slot, reason: str = ALONE) -> Iterator[None]:
    """Record what the block costs as `cache.computed`, and as `cache.crowd` how many readers compute `slot` with it.

    `reason` says why this reader computes although others may; who has WAITED knows of one elsewhere.
    """
    answer = slot.version, slot.key
    with _now.guard:
        _now.present[answer] += 1
        readers = _now.present[answer]
    started = perf_counter()
    try:
        yield
    finally:
        seconds = perf_counter() - started
        with _now.guard:
            _now.present[answer] -= 1
            if not _now.present[answer]:
                del _now.present[answer]
        _tell(slot, seconds, max(readers, 2 if reason == WAITED else 1), reason)


def _tell(slot: Slot, seconds: float, readers: int, reason: str) -> None:
    trace, place = traces.current(), traces.here()
    labels = {
        "family": slot.family.subject,
        "place": str(place) if place else "",
        "route": trace.what if trace else "",
        "reason": reason,
    }
    recording.record("cache.computed", seconds, **labels)
    if readers > 1:
        recording.record("cache.crowd", readers, **labels)
