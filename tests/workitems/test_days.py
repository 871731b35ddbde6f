"""400 days in six zones: filters by day take every moment of their days, once."""

from __future__ import annotations

from datetime import UTC, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from perf import clock
from snapshots.filters import DayFilters
from tests.scraping.test_calendar import CALENDAR, every_zone
from workitems.listing import _midnight

SECOND = timedelta(seconds=1)


@every_zone
def test_every_moment_belongs_to_the_day_that_its_zone_calls_it(settings: Any, zone: str) -> None:
    settings.TIME_ZONE = zone
    days = [(day, _midnight(day).astimezone(UTC)) for day in CALENDAR]
    for (day, first), (following, end) in pairwise(days):
        assert first < end
        assert first.astimezone(ZoneInfo(zone)).date() == (end - SECOND).astimezone(ZoneInfo(zone)).date() == day
        assert end.astimezone(ZoneInfo(zone)).date() == following


@every_zone
def test_a_window_of_days_ends_today_from_the_first_second_to_the_last(settings: Any, zone: str) -> None:
    settings.TIME_ZONE = zone
    for day, following in pairwise(CALENDAR):
        for at in (_midnight(day), _midnight(following).astimezone(UTC) - SECOND):
            with clock.shifted(at - clock.now()):
                assert DayFilters(days=7).pinned().since == day - timedelta(days=6), at
