"""What every connector trusts instead of the platform: waits, instants, texts and links."""

from __future__ import annotations

from datetime import date, timedelta
from email.utils import format_datetime

import pytest

from perf import clock
from scraping.connectors import reading


@pytest.mark.parametrize(("raw", "seconds"), [("30", 30), ("1.5", 1.5), ("999999999", 86_400), (" 7 ", 7)])
def test_retry_after_in_seconds(raw, seconds):
    assert reading.retry_after({"retry-after": raw}) == seconds


def test_retry_after_as_a_date():
    later = format_datetime(clock.now() + timedelta(seconds=90), usegmt=True)
    assert reading.retry_after({"retry-after": later}) == pytest.approx(90, abs=3)


@pytest.mark.parametrize("raw", ["0", "", "-5", "soon", "NaN", "inf", "1e9", "Sun, 06 Nov 1994 08:49:37 GMT", "٣"])
def test_zero_past_and_garbage_fall_through_to_back_off(raw):
    assert reading.retry_after({"retry-after": raw}) is None


def test_header_that_is_absent_says_nothing():
    assert reading.retry_after({}) is None
    assert reading.seconds_to_epoch(None) is None


def test_epoch_in_the_past_is_now():
    assert reading.seconds_to_epoch("1000000000") == 0.0


def test_text_loses_what_no_database_stores():
    assert reading.text(" a\x00b\ud800\x1fc \n") == "abc"
    assert reading.text("x" * 300, 255) == "x" * 255
    assert reading.text(None) == reading.text(5) == ""


@pytest.mark.parametrize("raw", ["javascript:alert(1)", "//x", "https://a b", 'https://a"b', "https://" + "x" * 600, 3])
def test_link_that_is_no_web_address_is_dropped(raw):
    assert reading.link(raw) == ""


@pytest.mark.parametrize("raw", [True, -1, 1.5, None, [], "x" * 101])
def test_id_that_is_no_id_is_empty(raw):
    assert reading.identity(raw) == ""


@pytest.mark.parametrize("raw", ["2026-13-01", "", None, 5, "0001-01-01T00:00:00Z", "x" * 100])
def test_day_that_is_no_day_is_none(raw):
    assert reading.day(raw) is None


def test_day_is_the_day_in_utc():
    assert reading.day("2026-01-01T23:30:00-05:00") == date(2026, 1, 2)
