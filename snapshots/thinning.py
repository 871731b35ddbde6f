"""Fewer points for a chart that still shows every peak, every dip and every gap."""

from __future__ import annotations

from collections.abc import Sequence


def thin(values: Sequence[float | None], points: int) -> list[int]:
    """Indexes of at most `points` (5 or more) of `values` to draw, ascending.

    The first and the last stay; of each of the equal stretches between them its lowest, its highest and,
    where it has one, a gap.
    """
    if len(values) <= points:
        return list(range(len(values)))
    stretches = (points - 2) // 3
    inner = len(values) - 2
    kept = {0, len(values) - 1}
    for n in range(stretches):
        stretch = range(1 + n * inner // stretches, 1 + (n + 1) * inner // stretches)
        known = [at for at in stretch if values[at] is not None]
        gaps = [at for at in stretch if values[at] is None]
        if known:
            kept |= {min(known, key=lambda at: values[at] or 0), max(known, key=lambda at: values[at] or 0)}
        kept |= set(gaps[:1])
    return sorted(kept)
