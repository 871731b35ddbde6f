"""What a store of answers and generations must do, in Redis or in memory alike."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from perf.cache.keys import Slot
from perf.cache.record import Record

ALIAS = "default"
WRITER_SECONDS = 60  # a writer that neither commits nor rolls back in this time is taken for dead
SPARE_SECONDS = 60  # how long after its end of life an answer may still be shown while another is made
LOCK_SECONDS = 10  # after this, whoever makes an answer is taken for dead
KEEP_SECONDS = 7 * 86_400  # generations nobody touched for a week go; a missing one only costs a MISS


class Unreachable(Exception):
    """The cache server does not answer, or did not a moment ago."""


class State(NamedTuple):
    """What a reader finds: the stamp valid now (None while a writer is open) and the stored record."""

    stamp: bytes | None
    record: Record | None


class Store(Protocol):
    """The operations both stores have. Each may raise Unreachable."""

    def read(self, slot: Slot) -> State:
        """The stamp and the record of `slot`, in one round trip."""

    def put(self, slot: Slot, record: Record, token: str = "") -> None:
        """Keep `record` until it expires, and a spare copy a little longer; the lock of `token` is given back."""

    def spare(self, slot: Slot) -> Record | None:
        """The copy that outlives the record."""

    def lock(self, slot: Slot, token: str) -> tuple[bool, State]:
        """Whether `token` may make the answer, the others wait or show the spare; and what there is after that."""

    def unlock(self, slot: Slot, token: str) -> None:
        """Give the lock back, unless it has passed to somebody else."""

    def open(self, names: set[str], writer: str) -> None:
        """Mark that `writer` is changing what the families `names` show."""

    def close(self, names: set[str], writer: str) -> None:
        """Give the families `names` fresh generations and drop `writer`'s mark."""

    def clear(self) -> int:
        """Drop every answer; returns how many there were."""

    def stored(self, root: str) -> dict[str, int]:
        """Keys (without prefix and version) that start with `root`, with their seconds left."""

    def count(self, name: str, seconds: int) -> tuple[int, int]:
        """Count one more of `name`: how many there are since the first, and the seconds until it starts anew."""
