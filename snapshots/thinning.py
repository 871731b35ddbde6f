"""Fewer points for charts that still show every series' peaks, dips and gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

Series = Sequence[float | None]


def fewest(series: int) -> int:
    """How many points can always show the ends, the peaks, the dips and the common gaps of so many series."""
    return 4 * series + 3


def thin(series: Sequence[Series], points: int) -> list[int]:
    """Indexes of at most `points` (no fewer than fewest()) of the days for which each series has a value or None.

    Ascending, the first and the last day among them. The days between are cut into as many equal stretches as fit; each
    keeps the lowest and the highest value of every series, and between two values of a series that are drawn side by
    side a day without one stays wherever there was one. Where gaps alone are too many, the earliest stay.
    """
    days = len(series[0])
    if days <= points:
        return list(range(days))
    holes = _holes(series)
    fits, too_many = 0, points // 2
    kept: list[int] = []
    while too_many - fits > 1:  # as many stretches as fit, found by halving
        stretches = (fits + too_many) // 2
        tried = _peaks(series, stretches)
        tried |= _gaps(series, holes, tried)
        if len(tried) <= points:
            fits, kept = stretches, sorted(tried)
        else:
            too_many = stretches
    if kept:
        return kept
    peaks = _peaks(series, 1)
    return sorted(peaks | set(sorted(_gaps(series, holes, peaks))[: points - len(peaks)]))


def _peaks(series: Iterable[Series], stretches: int) -> set[int]:
    """The first and the last day, and of each stretch between them where each series is lowest and highest."""
    kept: set[int] = set()
    for values in series:
        inner = len(values) - 2
        kept |= {0, len(values) - 1}
        for n in range(stretches):
            start, end = 1 + n * inner // stretches, 1 + (n + 1) * inner // stretches
            known = [value for value in values[start:end] if value is not None]
            if known:
                kept |= {values.index(min(known), start, end), values.index(max(known), start, end)}
    return kept


def _holes(series: Sequence[Series]) -> list[tuple[list[int], list[int]]]:
    """Per series, the next day from each day on without any series' value, and the next without its own."""
    common = _next([not any(value is not None for value in values) for values in zip(*series, strict=True)])
    return [(common, _next([value is None for value in values])) for values in series]


def _next(marked: Sequence[bool]) -> list[int]:
    """For each index, and the one past the end, the next marked one from there on; the length where none is."""
    found = [len(marked)] * (len(marked) + 1)
    for at in reversed(range(len(marked))):
        found[at] = at if marked[at] else found[at + 1]
    return found


def _gaps(series: Sequence[Series], holes: Sequence[tuple[list[int], list[int]]], kept: set[int]) -> set[int]:
    """Days without a value to add to `kept`, so that no series is drawn across a gap."""
    added: set[int] = set()
    looking = any(own[0] < len(own) - 1 for _, own in holes)
    while looking:  # a day added for one series may be a value of another, with a gap beside it
        looking = False
        for values, (common, own) in zip(series, holes, strict=True):
            drawn = sorted(kept | added)
            for here, there in pairwise(drawn):
                if values[here] is None or values[there] is None or own[here + 1] >= there:
                    continue
                added.add(common[here + 1] if common[here + 1] < there else own[here + 1])
                looking = True
    return added
