"""Numbers and instants as pages write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from perf import clock
from perf.templatetags import figures

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (9_999, "9,999"), (10_000, f"10.0{NBSP}k"), (99_950, f"100{NBSP}k"), (999_499, f"999{NBSP}k"),
     (999_500, f"1.00{NBSP}M"), (1_234_567, f"1.23{NBSP}M"), (12_840_000, f"12.8{NBSP}M"),
     (4_611_000_000, f"4.61{NBSP}B"), (-310_000, f"−310{NBSP}k")],
)  # fmt: skip
def test_short_numbers_keep_three_digits(value, written):
    assert figures.shortened(value) == written


def test_short_number_shows_all_digits_on_hover():
    assert figures.short(1_234_567) == f'<span title="1,234,567">1.23{NBSP}M</span>'


def test_missing_is_a_dash_with_its_reason_and_never_zero():
    written = figures.full(None, "blocked & hidden")
    assert "–" in written
    assert "0" not in written
    assert 'title="blocked &amp; hidden"' in written
    assert '<span class="visually-hidden">blocked &amp; hidden</span>' in written


@pytest.mark.parametrize("write", [figures.full, figures.short, figures.change])
def test_what_a_template_does_not_find_is_missing_too(write):
    assert "–" in write("", "no row")


def test_zero_is_a_figure():
    assert figures.full(0) == "0"
    assert ">0<" in figures.change(0)


@pytest.mark.parametrize(("value", "written"), [(1_204, "+1,204"), (-310, "−310"), (0, "0")])
def test_changes_carry_their_sign(value, written):
    assert f">{written}<" in figures.change(value)


@pytest.mark.parametrize(
    ("part", "whole", "written"),
    [(96, 100, f"96{NBSP}%"), (9_999, 10_000, f"99.9{NBSP}%"), (99_999, 100_000, f"99.9{NBSP}%"),
     (100, 100, f"100{NBSP}%"), (0, 10, f"0{NBSP}%"), (1, 400, f"0.2{NBSP}%"), (1, 0, ""), (None, 5, "")],
)  # fmt: skip
def test_share_says_all_only_of_all(part, whole, written):
    assert figures.share(part, whole) == written


@pytest.mark.parametrize(
    ("value", "base", "written"),
    [
        (41_208, 12_800_000, f"+0.3{NBSP}%"),
        (-5, 50, f"−10.0{NBSP}%"),
        (-9, 27_964, f"−0.03{NBSP}%"),
        (1, 10**7, f"+0.01{NBSP}%"),
        (0, 50, f"0{NBSP}%"),
        (3, 0, ""),
    ],
)
def test_growth_is_relative_to_the_base(value, base, written):
    assert figures.growth(value, base) == written


@pytest.mark.parametrize(
    ("back", "words"),
    [(timedelta(seconds=1), "just now"), (timedelta(seconds=42, milliseconds=500), f"42{NBSP}s ago"),
     (timedelta(minutes=5, seconds=1), f"5{NBSP}min ago"), (timedelta(hours=3, seconds=1), f"3{NBSP}h ago"),
     (timedelta(days=1, hours=1), "1 day ago"), (timedelta(minutes=-5, seconds=-5), f"in 5{NBSP}min")],
)  # fmt: skip
def test_age_is_relative_with_the_exact_instant_beside_it(back, words):
    instant = clock.now() - back
    written = figures.ago(instant)
    assert f">{words}<" in written
    assert f'datetime="{instant.isoformat()}"' in written
    assert figures.exactly(instant) in written


def test_exact_instants_are_in_the_products_zone(settings):
    settings.TIME_ZONE = "America/New_York"
    assert figures.exactly(datetime(2026, 11, 22, 14, 5, tzinfo=UTC)) == "22 Nov 2026, 09:05 EST"


@pytest.mark.parametrize(("seconds", "written"), [(None, ""), (42, "0:42"), (725, "12:05"), (4_830, "1 h 20 min")])
def test_progress_times(seconds, written):
    assert figures.duration(seconds) == written


def test_days_are_marked_up_as_dates():
    assert figures.day(date(2026, 11, 2)) == '<time datetime="2026-11-02">2 Nov 2026</time>'


def test_spark_breaks_its_line_where_a_figure_is_missing():
    assert figures.spark([1, 2, None, 4, 5]).count("M") == 2
    assert figures.spark([None, 4, None]) == ""


def test_bar_stays_within_its_box():
    assert 'width="100.0"' in figures.bar(7, 5)
    assert 'width="0.0"' in figures.bar(None, 5)


def test_links_keep_the_pages_state_and_start_at_page_one():
    request = RequestFactory().get("/accounts/", {"q": "nih", "page": "4", "sort": "handle"})
    made = Template("{% load figures %}{% state sort='-followers' platform='' %}").render(Context({"request": request}))
    assert made == "?q=nih&amp;sort=-followers"
