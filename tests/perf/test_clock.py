"""The only clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User

from perf import clock


@pytest.fixture
def midnight_passed(monkeypatch):
    """Half past midnight in UTC, the evening before in New York."""
    monkeypatch.setattr(clock.timezone, "now", lambda: datetime(2026, 3, 2, 0, 30, tzinfo=UTC))


def test_today_is_that_of_the_zone(midnight_passed):
    assert clock.today() == date(2026, 3, 2)
    assert clock.today("America/New_York") == clock.today(ZoneInfo("America/New_York")) == date(2026, 3, 1)


def test_a_shift_moves_every_clock_and_ends(midnight_passed):
    with clock.shifted(timedelta(days=1)):
        assert clock.now() == datetime(2026, 3, 3, 0, 30, tzinfo=UTC)
        with clock.shifted(timedelta(hours=-1)):
            assert clock.today() == date(2026, 3, 2)
            assert clock.offset() == timedelta(hours=23)
    assert clock.offset() == timedelta(0)


@pytest.mark.both_dbs
def test_the_databases_clock_shifts_too(db):
    User.objects.create(username="a", date_joined=clock.now())
    assert User.objects.filter(date_joined__lte=clock.db_now(timedelta(seconds=60))).exists()
    assert not User.objects.filter(date_joined__lte=clock.db_now(timedelta(seconds=-60))).exists()
    with clock.shifted(timedelta(hours=-1)):
        assert not User.objects.filter(date_joined__lte=clock.db_now()).exists()


def test_the_clock_stands_outside_tests(monkeypatch, settings):
    settings.TESTING = False
    with pytest.raises(RuntimeError, match="only be moved in tests"), clock.shifted(timedelta(1)):
        pass
