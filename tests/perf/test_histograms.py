"""Histograms: quantiles within 2 % of exact, merging without loss."""

from __future__ import annotations

from math import ceil
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.histograms import MOST_BINS, Histogram, summed

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99)
VALUES = st.lists(st.floats(0, 1e9), max_size=60)


def of(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


def lognormal(random: Random) -> float:
    return random.lognormvariate(-3, 1.2)


def bimodal(random: Random) -> float:
    """Answers from the cache beside those that were computed."""
    return random.gauss(0.004, 0.0004) if random.random() < 0.8 else random.gauss(0.9, 0.1)


@pytest.mark.req("A96")
@pytest.mark.parametrize("shape", [lognormal, bimodal])
def test_quantiles_of_100_000_values_are_within_two_percent(shape):
    random = Random(7)
    values = [shape(random) for _ in range(100_000)]
    parts = [Histogram() for _ in range(8)]
    for number, part in enumerate(parts):
        part.extend(values[number::8])
    whole = summed(Histogram.decode(part.encode()) for part in parts)
    values.sort()
    for q in QUANTILES:
        exact = values[ceil(q * len(values)) - 1]
        assert whole.quantile(q) == pytest.approx(exact, rel=0.02)
    assert whole.mean == pytest.approx(sum(values) / len(values))
    assert len(list(whole.bins())) <= MOST_BINS + 1


@given(VALUES, VALUES)
@settings(max_examples=60, deadline=None)
def test_merged_parts_are_the_whole(one, other):
    together, merged, at_once = of(one + other), of(one), Histogram()
    merged.merge(of(other))
    at_once.extend(one + other)
    for same in (merged, at_once):
        assert list(same.bins()) == list(together.bins())
        assert (same.count, same.least, same.most) == (together.count, together.least, together.most)
        assert same.total == pytest.approx(together.total)


@given(VALUES)
@settings(max_examples=60, deadline=None)
def test_any_quantile_is_within_two_percent_and_survives_encoding(values):
    kept = Histogram.decode(of(values).encode())
    assert (kept.count, list(kept.bins())) == (len(values), list(of(values).bins()))
    values.sort()
    for q in QUANTILES:
        if not values:
            assert kept.quantile(q) is None
        else:
            exact = values[ceil(q * len(values)) - 1]
            assert kept.quantile(q) == pytest.approx(exact, rel=0.02, abs=1e-11)


@given(VALUES)
@settings(max_examples=60, deadline=None)
def test_exact_packing_keeps_every_digit_of_totals_beside_what_was_packed_before(values):
    whole = of(values)
    (roughly,) = Histogram.unpack(Histogram.pack([whole]), [True])
    (exactly,) = Histogram.unpack(Histogram.pack_exactly([whole]), [True])
    assert roughly.total == pytest.approx(whole.total, rel=1e-7, abs=1e-30)
    assert exactly.total == pytest.approx(whole.total, rel=0, abs=1e-30)
    assert list(exactly.bins()) == list(roughly.bins()) == list(whole.bins())


def test_zeros_are_values_and_nothing_is_none():
    assert (Histogram().p50, Histogram().mean, Histogram().count) == (None, None, 0)
    few = of([0, 0, 0, 8])
    assert (few.p50, few.p99, few.mean) == (0.0, 8.0, 2.0)
    few.add(0, times=10)
    assert (few.count, few.p95) == (14, 8.0)


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_what_is_no_measure_is_refused(wrong):
    for put in (Histogram().add, lambda value: Histogram().extend([1.0, value])):
        with pytest.raises(ValueError, match=r"negative|no value"):
            put(wrong)
