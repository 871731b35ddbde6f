"""The fakes' meters: windows of each type, and what was refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scraping.fakes.world import Fault, Limit, Meter, shortened

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def after(seconds):
    return NOON + timedelta(seconds=seconds)


def test_fixed_window_begins_with_a_call_and_ends_whole():
    meter = Meter(Limit(calls=2, seconds=100, kind="fixed"))
    assert [meter.spend(1, after(s)).allowed for s in (0, 99, 99.5, 100, 101, 102)] == [
        True, True, False, True, True, False,
    ]  # fmt: skip
    assert meter.spend(1, after(150)).resets_at == after(200).timestamp()


def test_rolling_window_frees_each_call_on_its_own():
    meter = Meter(Limit(calls=2, seconds=100, kind="rolling"))
    assert [meter.spend(1, after(s)).allowed for s in (0, 60, 90, 101, 102, 161)] == [
        True, True, False, True, False, True,
    ]  # fmt: skip


def test_daily_window_ends_at_its_zones_midnight():
    meter = Meter(Limit(calls=1, seconds=86_400, kind="day", zone="America/Los_Angeles"))
    assert meter.spend(1, NOON).allowed
    assert not meter.spend(1, NOON + timedelta(hours=19)).allowed  # 23:00 in California
    assert meter.spend(1, NOON + timedelta(hours=20)).allowed


def test_call_over_the_limit_shows_in_the_most_seen():
    meter = Meter(Limit(calls=2, seconds=100, kind="fixed"))
    for second in (0, 1, 2):
        meter.spend(1, after(second))
    assert (meter.spent, meter.refused, meter.most) == (2, 1, 3)


def test_most_in_any_span_looks_across_windows():
    meter = Meter(Limit(calls=2, seconds=100, kind="fixed"))
    for second in (0, 99, 100, 101):
        meter.spend(1, after(second))
    assert (meter.most, meter.most_in_any_span()) == (2, 3)


def test_cost_counts_not_requests():
    meter = Meter(Limit(calls=100, seconds=100, kind="rolling"))
    assert meter.spend(50, after(0)).remaining == 50
    assert not meter.spend(51, after(1)).allowed


def test_fault_ends_after_its_times():
    fault = Fault("status", "x", "HHSGov", times=2)
    assert [fault.strikes({"hhsgov"}) for _ in range(3)] == [True, True, False]
    assert not Fault("status", "x", "HHSGov").strikes({"other"})


def test_fault_with_a_chance_repeats_by_its_seed():
    first, second = (Fault("status", "x", chance=0.5, seed=7) for _ in range(2))
    strikes = [first.strikes(set()) for _ in range(50)]
    assert strikes == [second.strikes(set()) for _ in range(50)]
    assert 10 < sum(strikes) < 40


def test_fault_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="flood"):
        Fault("flood", "x")


def test_counts_are_shortened_as_pages_do():
    assert [shortened(n) for n in (999, 1_000, 1_250, 34_567, 1_299_999)] == ["999", "1K", "1.2K", "34.5K", "1.2M"]
