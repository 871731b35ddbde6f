"""What computing an answer costs, and how many readers compute it at once: a cache is there to prevent that."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Any

from perf import clock, recording
from perf.cache.contract import LOCK_SECONDS
from perf.cache.keys import Slot
from perf.crowds import Span
from perf.places import defined, place_of
from perf.traces import current

ALONE = ""
PART = "part"  # of another answer: nobody is held back from computing it meanwhile
WRITER = "writer"  # the family has an open writer: nothing is kept meanwhile
WAITED = "waited"  # another reader took longer than this one waits
UNREACHABLE = "unreachable"  # the cache's server does not answer


class Computing:
    """Records what the block costs as `cache.computed`, and as a run of `cache.crowd` where others may do the same.

    Both carry the line that asked for the answer, or that of `compute` where a whole view is kept. `reason` says why
    this reader computes although another may; who computes ALONE holds them back, but for LOCK_SECONDS at most.
    """

    __slots__ = ("_began", "_compute", "_reason", "_slot", "_started", "_trace")

    def __init__(self, slot: Slot, compute: Callable[[], Any], reason: str) -> None:
        self._slot, self._compute, self._reason, self._trace = slot, compute, reason, current()

    def __enter__(self) -> None:
        if self._trace is not None:
            self._trace.kept += 1
        self._began = clock.now().timestamp()
        self._started = perf_counter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._trace is not None:
            self._trace.kept -= 1
        seconds, ended = perf_counter() - self._started, clock.now().timestamp()
        place = str(place_of(sys._getframe(1))) or str(defined(getattr(self._compute, "func", self._compute)))
        labels = {"family": self._slot.family.subject, "place": place, "reason": self._reason}
        recording.record("cache.computed", seconds, **labels)
        if self._reason != ALONE or seconds > LOCK_SECONDS:
            recording.ran("cache.crowd", Span(int(self._slot.digest[:16], 16), self._began, ended), **labels)
