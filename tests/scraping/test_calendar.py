"""400 days in six zones, through changes of the clocks and a leap day: nights, ranks, days and quotas stay exact."""

from __future__ import annotations

from collections import deque
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from perf import clock
from scraping.connectors.base import Window
from scraping.limits import _bounds
from scraping.models import Rank
from scraping.planning import AHEAD, Night
from scraping.rehearsal import Tally

ZONES = (
    "UTC",
    "Europe/Berlin",  # changes at 02:00, in the middle of the usual window
    "America/Los_Angeles",  # platforms count by it
    "America/Havana",  # changes at midnight: one day has none, another has two
    "Australia/Lord_Howe",  # by half an hour, and the other way round
    "Pacific/Apia",  # thirteen hours ahead
)
FIRST, DAYS = date(2027, 12, 25), 400  # with the 29th of February and both changes of each year's clocks
CALENDAR = [FIRST + timedelta(days=n) for n in range(DAYS)]
WINDOWS = ("02:00-05:00", "23:00-02:30", "02:00-03:00", "00:00-23:59")
ACCOUNTS = range(8)
HOUR = timedelta(hours=1)

every_zone = pytest.mark.parametrize("zone", ZONES)


def in_utc(at: datetime) -> datetime:
    """Instants of one zone are compared by its wall clock, which is what these tests must not do."""
    return at.astimezone(UTC)


def nominal(window: str) -> timedelta:
    """How long a window says that it is."""
    first, last = (datetime.combine(FIRST, time.fromisoformat(part)) for part in window.split("-"))
    return last - first if last > first else last - first + timedelta(days=1)


@every_zone
@pytest.mark.parametrize("window", WINDOWS)
def test_every_night_is_as_long_as_it_says_and_spreads_its_accounts_over_all_of_it(
    settings: Any, zone: str, window: str
) -> None:
    settings.TIME_ZONE, settings.SCRAPE_WINDOW = zone, window
    length, shares = nominal(window), []
    for day in CALENDAR:
        night = Night.of(day)
        assert in_utc(night.end) - in_utc(night.start) == length, day
        starts = [in_utc(night.starts(account)) for account in ACCOUNTS]
        assert all(in_utc(night.start) <= at < in_utc(night.end) for at in starts), day
        shares.append([round((at - in_utc(night.start)) / length, 9) for at in starts])
    assert all(one == shares[0] for one in shares), "the same moment of every night"


@every_zone
def test_every_night_begins_on_its_own_day_and_no_day_is_left_out(settings: Any, zone: str) -> None:
    settings.TIME_ZONE, settings.SCRAPE_WINDOW = zone, "02:00-05:00"
    nights = [Night.of(day) for day in CALENDAR]
    assert [night.start.date() for night in nights] == CALENDAR
    assert date(2028, 2, 29) in CALENDAR
    for one, following in pairwise(nights):
        assert timedelta(hours=23) <= in_utc(following.start) - in_utc(one.start) <= timedelta(hours=25), one.day


@every_zone
def test_differences_of_ranks_are_the_same_hours_of_waiting_on_every_day(settings: Any, zone: str) -> None:
    settings.TIME_ZONE = zone
    for day in CALENDAR:
        night = Night.of(day)
        core = in_utc(night.order(Rank.CORE))
        assert {rank: in_utc(night.order(rank)) - core for rank in AHEAD} == AHEAD, day


@every_zone
def test_a_clock_that_runs_through_all_these_days_meets_each_once_and_in_order(settings: Any, zone: str) -> None:
    settings.TIME_ZONE = zone
    noon = datetime.combine(FIRST, time(), ZoneInfo(zone)).astimezone(UTC)
    met: list[date] = []
    with clock.shifted(noon - clock.now()):
        for _ in range((DAYS - 1) * 24):
            if not met or met[-1] != clock.today():
                met.append(clock.today())
                assert clock.today("UTC") in {met[-1] - timedelta(days=1), met[-1], met[-1] + timedelta(days=1)}
            clock._Shift.by += HOUR
    assert met[: DAYS - 1] == CALENDAR[: DAYS - 1]


@every_zone
def test_a_days_quota_counts_from_midnight_to_midnight_whoever_asks(zone: str) -> None:
    window = Window(calls=10, seconds=86_400, zone=zone)
    for day in CALENDAR:
        first, following = (
            datetime.combine(day + timedelta(days=n), time(), ZoneInfo(zone)).astimezone(UTC) for n in (0, 1)
        )
        assert following - first in {timedelta(hours=h) for h in (23, 23.5, 24, 24.5, 25)}, day
        limits = (round(first.timestamp() * 1_000_000), round(following.timestamp() * 1_000_000))
        for at in (first, first + HOUR, first + 2 * HOUR, following - HOUR, following - timedelta(seconds=1)):
            assert _bounds(window, at)[2:] == limits, at
        used_up = Tally(window, deque([(first.timestamp(), 10)]), 10)
        assert used_up.free_at((following - HOUR).timestamp(), 1) == following.timestamp(), day
