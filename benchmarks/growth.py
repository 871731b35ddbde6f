"""Cold reads of a small registry and of one a hundred times as large, on databases that are kept for the next run."""

from __future__ import annotations

import os
from collections.abc import Iterator

from benchmarks import ground
from benchmarks.ground import Line

ACCOUNTS, DAYS, SMALLER = 100_000, 100, 100
SECONDS = 5.0  # for each question
MOST = 1.3  # times as long as with the small registry, or as the first page
BARE_MS = 50.0
GROWING = ("grid", "grid, newest figures", "grid of a day", "history of all days")
"""What may not take longer with more accounts. The summary does: it names every one."""


def measure(accounts: int = ACCOUNTS, days: int = DAYS, seconds: float = SECONDS) -> list[Line]:
    """Both sizes one after the other; a database that has been seeded by an earlier run is taken as it is."""
    os.environ |= {"RATE_LIMIT_READS": "1000000000", "SLOW_REQUEST_THRESHOLD": "60", "LOG_LEVEL": "ERROR"}
    sizes = max(accounts // SMALLER, 1), accounts
    with ground.keeping() as address:
        small, large = (
            ground.run("benchmarks.growing", size, days, seconds, DATABASE_URL=address(f"tidemark_{size}x{days}"))
            for size in sizes
        )
    return list(_lines(small, large, *sizes))


def _lines(small: dict[str, float], large: dict[str, float], fewer: int, more: int) -> Iterator[Line]:
    for case, after in large.items():
        before = small[case]
        yield Line(f"cold {case}", f"{fewer:,} accounts", before, "ms p50")
        goal = (f"≤ {MOST:g} ×", after <= MOST * before) if case in GROWING else ("", None)
        yield Line(f"cold {case}", f"{more:,} accounts", after, "ms p50", after / before, *goal)
    linked, bare, first = large["grid, linked page"], large["grid, bare page"], large["grid"]
    yield Line("linked page beside page 1", "ours", linked, "ms p50", linked / first, "≤ 1.3 ×", linked <= MOST * first)
    yield Line("bare page", "ours", bare, "ms p50", None, f"≤ {BARE_MS:g} ms", bare <= BARE_MS)
