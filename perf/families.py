"""How the cache's families answer: hits, misses, bytes and time saved, over a period and step by step."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from perf.cache.counting import OUTCOMES
from perf.reading import Window, count_timeline, counts


@dataclass(slots=True)
class FamilyReads:
    """The reads of one family of all processes: `stale` were answered while another reader computed anew.

    `bytes` came from the cache, and computing them would have taken `saved` seconds, as it did when they were kept.
    """

    family: str
    hits: int = 0
    stale: int = 0
    misses: int = 0
    bytes: int = 0
    saved: float = 0.0

    @property
    def reads(self) -> int:
        """All of them."""
        return self.hits + self.stale + self.misses

    @property
    def answered(self) -> int:
        """Those that the cache answered."""
        return self.hits + self.stale

    @property
    def hit_rate(self) -> float | None:
        """Which part the cache answered, from 0 to 1; None of no reads."""
        return self.answered / self.reads if self.reads else None


def families(window: Window) -> list[FamilyReads]:
    """Every family that was read in `window`, the most read first."""
    found: dict[str, FamilyReads] = {}
    for labels, many in counts("cache", window).items():
        one = found.setdefault(labels.get("family"), FamilyReads(labels.get("family")))
        outcome = labels.get("outcome")
        if outcome in OUTCOMES:
            setattr(one, outcome, getattr(one, outcome) + many)
    for labels, many in counts("cache.bytes", window).items():
        found.setdefault(labels.get("family"), FamilyReads(labels.get("family"))).bytes += many
    for labels, many in counts("cache.saved", window).items():
        found.setdefault(labels.get("family"), FamilyReads(labels.get("family"))).saved += many / 1e6
    return sorted(found.values(), key=lambda one: (-one.reads, one.family))


def together(found: list[FamilyReads]) -> FamilyReads:
    """The reads of all families."""
    whole = FamilyReads("")
    for one in found:
        whole.hits, whole.stale, whole.misses = (
            whole.hits + one.hits,
            whole.stale + one.stale,
            whole.misses + one.misses,
        )
        whole.bytes, whole.saved = whole.bytes + one.bytes, whole.saved + one.saved
    return whole


class Reads(NamedTuple):
    """How the reads of one step were answered; each None where nothing was recorded."""

    at: datetime
    hits: int | None
    stale: int | None
    misses: int | None


def reads_by_step(window: Window) -> list[Reads]:
    """The reads of all families, step by step."""
    steps: defaultdict[datetime, dict[str, int | None]] = defaultdict(dict)
    for outcome in OUTCOMES:
        for at, many in count_timeline("cache", window, outcome=outcome):
            steps[at][outcome] = many
    return [Reads(at, *(found[outcome] for outcome in OUTCOMES)) for at, found in sorted(steps.items())]
