"""What computing an answer costs, and how many readers compute it at once: a cache is there to prevent that."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Any

from perf import recording
from perf.cache.keys import Slot
from perf.places import defined, place_of

ALONE = ""
WRITER = "writer"  # the family has an open writer: nothing is kept meanwhile
WAITED = "waited"  # another reader took longer than this one waits
UNREACHABLE = "unreachable"  # the cache's server does not answer


class _Present:
    """How many threads of this process compute each answer now."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        self.guard = threading.Lock()
        self.readers: Counter[tuple[str, str]] = Counter()

    def enter(self, answer: tuple[str, str]) -> int:
        """One more; how many there are now."""
        with self.guard:
            self.readers[answer] += 1
            return self.readers[answer]

    def leave(self, answer: tuple[str, str]) -> None:
        """One fewer."""
        with self.guard:
            self.readers[answer] -= 1
            if not self.readers[answer]:
                del self.readers[answer]


_present = _Present()
os.register_at_fork(after_in_child=_present.begin_anew)


class Computing:
    """Records what the block costs as `cache.computed`, and as `cache.crowd` how many readers compute `slot` with it.

    Both carry the line that asked for the answer, or that of `compute` where a whole view is kept. `reason` says why
    this reader computes although another may: who has WAITED knows of one elsewhere.
    """

    __slots__ = ("_answer", "_compute", "_readers", "_reason", "_slot", "_started")

    def __init__(self, slot: Slot, compute: Callable[[], Any], reason: str) -> None:
        self._slot, self._compute, self._reason = slot, compute, reason
        self._answer = slot.version, slot.key

    def __enter__(self) -> None:
        self._readers = max(_present.enter(self._answer), 2 if self._reason == WAITED else 1)
        self._started = perf_counter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        seconds = perf_counter() - self._started
        _present.leave(self._answer)
        place = str(place_of(sys._getframe(1))) or str(defined(getattr(self._compute, "func", self._compute)))
        labels = {"family": self._slot.family.subject, "place": place, "reason": self._reason}
        recording.record("cache.computed", seconds, **labels)
        if self._readers > 1:
            recording.record("cache.crowd", self._readers, **labels)
