from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from snapshots.thinning import thin

values = st.lists(st.one_of(st.none(), st.integers(0, 10**9)), max_size=400)


@given(values=values, points=st.integers(5, 60))
def test_thinning_keeps_ends_peaks_dips_and_never_more_than_asked(values: list[int | None], points: int) -> None:
    kept = thin(values, points)
    assert len(kept) == min(len(kept), points)
    assert kept == sorted(set(kept))
    known = [value for value in values if value is not None]
    shown = [values[at] for at in kept]
    if values:
        assert (kept[0], kept[-1]) == (0, len(values) - 1)
    if known:
        assert {min(known), max(known)} <= set(shown)
    assert (None in shown) == (None in values)


def test_few_points_are_left_alone() -> None:
    assert thin([1, None, 3], 10) == [0, 1, 2]
