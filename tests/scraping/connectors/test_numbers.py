"""Counts in every notation: right, or None; never a guess."""
# ruff: noqa: RUF001 - the digits and separators of other scripts are what is tested

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraping.connectors.numbers import MOST, Count, count, whole

EXACT = {
    "0": 0,
    "567": 567,
    "1,234,567": 1_234_567,
    "1.234.567": 1_234_567,
    "1 234 567": 1_234_567,
    "1\u00a0234\u00a0567": 1_234_567,
    "1\u202f234\u202f567": 1_234_567,
    "1\u2009234": 1_234,
    "1\u2007234\u2007567": 1_234_567,
    "1\u3000234": 1_234,
    "\u2067١٬٢٣٤\u2069": 1_234,
    "1\u200b234": 1_234,
    "１２３": 123,
    "4294967296": 2**32,
    "1'234'567": 1_234_567,
    "1’234’567": 1_234_567,
    "12,34,567": 1_234_567,
    "1.234": 1_234,
    "1,234": 1_234,
    "٣٤٥": 345,
    "١٬٢٣٤٬٥٦٧": 1_234_567,
    "\u200f۱۲۳۴\u200f": 1_234,
    "१२३": 123,
    "3000000000": 3_000_000_000,
    " 42 ": 42,
}
ROUNDED = {
    "1.2M": 1_200_000,
    "1,2 M": 1_200_000,
    "1,2\u00a0M": 1_200_000,
    "1.25m": 1_250_000,
    "12 Tsd.": 12_000,
    "12,5 Tsd.": 12_500,
    "3,4 Mio.": 3_400_000,
    "2,1 Mrd.": 2_100_000_000,
    "12K": 12_000,
    "12.3k": 12_300,
    "3B": 3_000_000_000,
    "12 mil": 12_000,
    "1,5 mln": 1_500_000,
    "4,5 тыс.": 4_500,
    "1.2万": 12_000,
    "3.4億": 340_000_000,
    "1,2\u202fmillion": 1_200_000,
    "1.2 lakh": 120_000,
    "١٫٢ مليون": 1_200_000,
    "1,234.5K": 1_234_500,
    "1.234,5K": 1_234_500,
    "1,234,567K": 1_234_567_000,
    "٥ آلاف": 5_000,
    "1,2 mi": 1_200_000,
    "1,2 triệu": 1_200_000,
    "3,4 млрд": 3_400_000_000,
    "10K+": 10_000,
    "500+": 500,
}
NOTHING = [
    "", " ", "-5", "−5", "+5", "1.2", "1,2", "12.34", "1,23", "1,2345", "12,345,67", "1.234,5", "1,234K", "1.234M",
    "1 2 3", "12 34", "1,,234", "1,234.567,890", "K", "M", "1.2.3M", "1e5", "1e999", "NaN", "Infinity", "0x10", "½",
    "²", "1 234 5678", "12 followers", "1/2", "99999999999999999999", "9" * 50, "12 parsecs", "1_000", "..", "1.",
    "1,2 mil.", "12 B", "1,2B",
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), EXACT.items())
def test_exact_notation_is_read_exactly(text, value):
    assert count(text) == Count(value, rounded=False)


@pytest.mark.parametrize(("text", "value"), ROUNDED.items())
def test_rounded_notation_is_flagged(text, value):
    assert count(text) == Count(value, rounded=True)


@pytest.mark.parametrize("text", NOTHING)
def test_uncertain_text_is_no_count(text):
    assert count(text) is None


@pytest.mark.parametrize("raw", [True, False, None, -1, 1.0, math.nan, math.inf, 1e999, [], {}, b"5", MOST + 1])
def test_value_that_is_no_count_is_refused(raw):
    assert count(raw) is None
    assert whole(raw) is None


def test_integers_beyond_32_bits_are_counts():
    assert whole(2**31) == 2**31
    assert whole("5000000000") == 5_000_000_000


@pytest.mark.parametrize("raw", ["1,234", "1.2M", " 5", "-5", "", "٣", "5\n"])
def test_api_strings_are_plain_digits_or_nothing(raw):
    assert whole(raw) is None


@given(st.integers(0, MOST))
def test_every_grouping_reads_back(number):
    for separator in (",", ".", " ", "\u202f", "'"):
        assert count(f"{number:,}".replace(",", separator)) == Count(number)


@given(st.text(max_size=60))
def test_any_text_gives_a_count_in_range_or_none(text):
    found = count(text)
    assert found is None or 0 <= found.value <= MOST
