from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshots.thinning import fewest, thin

Lists = list[list[int | None]]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Lists, int]:
    """Up to four series with common gaps and some of their own, and how many points are wanted."""
    days, count = draw(st.integers(1, 250)), draw(st.integers(1, 4))
    random = draw(st.randoms(use_true_random=False))
    series: Lists = [[random.randrange(10**6) for _ in range(days)] for _ in range(count)]
    for start in random.sample(range(days), random.randrange(min(days, 12) + 1)):
        end = min(start + random.randrange(1, 30), days)
        for values in series:
            values[start:end] = [None] * (end - start)
    for values in series:
        for at in random.sample(range(days), random.randrange(min(days, 4) + 1)):
            values[at] = None
    return series, draw(st.integers(fewest(count), 90))


@pytest.mark.req("A52")
@settings(max_examples=30, deadline=None)
@given(worlds())
def test_thinning_keeps_ends_peaks_and_dips_of_every_series_and_never_more_than_asked(world: tuple[Lists, int]) -> None:
    series, points = world
    kept = thin(series, points)
    assert kept == sorted(set(kept))
    assert len(kept) <= max(points, 2)
    assert (kept[0], kept[-1]) == (0, len(series[0]) - 1)
    for values in series:
        known = [value for value in values if value is not None]
        shown = {values[at] for at in kept}
        assert not known or {min(known), max(known)} <= shown


@settings(max_examples=30, deadline=None)
@given(worlds())
def test_thinning_draws_no_series_across_a_gap_while_there_is_room(world: tuple[Lists, int]) -> None:
    series, points = world
    kept = thin(series, points)
    if len(kept) == points:  # so full of gaps that not all may have found room
        return
    for values in series:
        for here, there in pairwise(kept):
            between = values[here + 1 : there]
            assert None in (values[here], values[there]) or None not in between


def test_every_stretch_keeps_its_own_peak_and_dip() -> None:
    waves = [[(at * 7) % 50 + (1_000 if at % 50 == 25 else 0) for at in range(1_000)]]
    kept = thin(waves, 100)
    assert {at for at in kept if waves[0][at] >= 1_000} == set(range(25, 1_000, 50))


def test_a_gap_of_every_other_day_is_cut_and_still_never_too_long() -> None:
    torn: Lists = [[at if at % 2 else None for at in range(500)], [None if at % 2 else at for at in range(500)]]
    assert len(thin(torn, fewest(2))) <= fewest(2)


def test_few_points_are_left_alone() -> None:
    assert thin([[1, None, 3]], 10) == [0, 1, 2]
