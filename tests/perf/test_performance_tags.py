"""How the performance pages write times, sizes and counts; a missing one says why."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from perf import reading
from perf.api.schemas import Asked
from perf.periods import DEFAULT_PERIOD, PERIODS, asked_period
from perf.templatetags.performance import figure, size, took


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 ms"), (0.0000004, "1 µs"), (0.00004, "40 µs"), (0.000096, "0.1 ms"), (0.00096, "1.0 ms"),
     (0.0123, "12 ms"), (0.9994, "999 ms"), (0.9996, "1 s"), (1.24, "1.24 s"), (12.34, "12.3 s"), (125, "2:05")],
)  # fmt: skip
def test_times_have_three_digits_at_most(seconds, words):
    assert took(seconds).replace("\N{NO-BREAK SPACE}", " ") == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0 B"), (999, "999 B"), (1_000, "0.98 KiB"), (1_300_000, "1.24 MiB"), (52 * 2**30, "52.0 GiB"),
     (2**50, "1024 TiB")],
)  # fmt: skip
def test_sizes_are_powers_of_1024(value, words):
    assert size(value).replace("\N{NO-BREAK SPACE}", " ") == words


def test_counts_keep_a_digit_where_they_are_parts():
    assert [figure(one) for one in (0, 4.5, 1204, 99.96)] == ["0", "4.5", "1,204", "100"]


@pytest.mark.parametrize("write", [took, size, figure])
def test_a_missing_figure_says_why(write):
    assert 'title="Off"' in write(None, "Off")
    assert "–" in write("")


@pytest.mark.parametrize(("query", "period"), [("?period=7d", "7d"), ("?period=junk", "24h"), ("", "24h")])
def test_an_unknown_period_is_the_day(query, period):
    assert asked_period(RequestFactory().get(f"/{query}")) == period


def test_every_period_that_is_read_has_words():
    assert list(PERIODS) == list(reading.PERIODS)
    assert Asked().period == DEFAULT_PERIOD
