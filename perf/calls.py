"""What calls to the outside did: times, waits and ends by platform, over a period and step by step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from perf.histograms import Histogram
from perf.reading import Window, levels, totals

OK = "ok"


@dataclass(slots=True)
class Platform:
    """Calls to one platform; times in seconds, waits until its quota let a ready call go."""

    name: str
    calls: Histogram = field(default_factory=Histogram)
    waits: Histogram = field(default_factory=Histogram)
    ends: Counter[str] = field(default_factory=Counter)
    quota: float | None = None
    """The spent share of its quota as last told in the period; None where nobody told of one."""

    @property
    def failed(self) -> int:
        """Calls that did not come to an answer below 400."""
        return self.calls.count - self.ends[OK]

    @property
    def error_rate(self) -> float | None:
        """Which part of the calls failed; None without any."""
        return self.failed / self.calls.count if self.calls.count else None

    @property
    def troubles(self) -> list[tuple[str, int]]:
        """How the failed ones ended, the most frequent first."""
        return [(end, many) for end, many in self.ends.most_common() if end != OK]


def platforms(window: Window) -> list[Platform]:
    """Every platform that was called, or waited for, in the period; the most called first."""
    found: dict[str, Platform] = {}
    for labels, calls in totals("outgoing", window).items():
        one = found.setdefault(labels.get("platform"), Platform(labels.get("platform")))
        one.ends[labels.get("outcome")] += calls.count
        one.calls.merge(calls)
    for labels, waits in totals("outgoing.waited", window).items():
        found.setdefault(labels.get("platform"), Platform(labels.get("platform"))).waits.merge(waits)
    for labels, shares in levels("outgoing.quota", window).items():
        if labels.get("platform") in found:
            found[labels.get("platform")].quota = shares[-1][1]
    return sorted(found.values(), key=lambda one: (-one.calls.count, one.name))
