"""400 days of rings in six zones, over leap day, new year and each change of clocks: what is kept, and what is gone."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from perf import reading, tables
from perf.models import DAYS, HOURS, MINUTES
from perf.models.buckets import EPOCH, Ring
from perf.reading import PERIODS, _pieces, window
from perf.series import COUNT, Count, Labels, encoded

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham")
END = datetime(2029, 1, 4, 23, 59, tzinfo=UTC)  # 400 days hold a leap day and two turns of the year
ONE = encoded(COUNT, {Labels(): Count(1)})


class Table:
    """As much of a ring's table as the roll-up asks for."""

    def __init__(self) -> None:
        self.starts: set[datetime] = set()
        self._default_manager = self

    def using(self, alias: str) -> Any:
        return self

    def filter(self, *, start__lt: datetime) -> Any:
        self._before = start__lt
        return self

    def exists(self) -> bool:
        return any(start < self._before for start in self.starts)


def tables_of(ring: Ring) -> Any:
    return tuple(Table() for _ in ring.tables)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the roll-up writes and empties is in the memory of the test."""
    monkeypatch.setattr(tables, "_write", lambda table, start, series, exactly: table.starts.add(start))
    monkeypatch.setattr(tables, "_empty", lambda table: table.starts.clear())


def began(instant: datetime, step: timedelta) -> datetime:
    seconds, long = int(instant.timestamp()), int(step.total_seconds())
    return datetime.fromtimestamp(seconds - seconds % long, UTC)


@pytest.mark.req("A107")
@pytest.mark.parametrize(
    ("ring", "days", "step", "kept"),
    [
        (MINUTES, 400, timedelta(minutes=181), timedelta(days=2)),
        (HOURS, 400, timedelta(hours=11), timedelta(days=90)),
        (DAYS, 4 * 365, timedelta(days=1), timedelta(days=730)),  # it turns once in three years
    ],
    ids=["minutes", "hours", "days"],
)
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.usefixtures("written")
def test_a_ring_keeps_what_it_promises_and_nothing_older(
    zone: str, ring: Ring, days: int, step: timedelta, kept: timedelta
) -> None:
    """However the database tells the time: told in a zone, an instant is in the same period."""
    own: Any = Ring(ring.name, ring.step, ring.span, tables_of(ring), ring.examples)
    due: deque[datetime] = deque()
    now = END - timedelta(days=days)
    while now < END:
        local = now.astimezone(ZoneInfo(zone))
        tables._merge_into(own, [(local.replace(second=0), COUNT, "visits", ONE)], {Labels(): 1}, local)
        due.append(began(now, ring.step))
        while due[0] < own.since(now):
            assert due.popleft() < now - kept
        assert due[0] > now - ring.span * len(ring.tables)
        assert sum(len(table.starts) for table in own.tables) == len(due), f"{local}"
        assert due[-1] in own.table(due[-1]).starts, f"{local}"
        now += step
    assert {start for table in own.tables for start in table.starts} == set(due)


@pytest.mark.parametrize("period", PERIODS)
def test_every_window_is_whole_and_kept_on_each_of_400_days(monkeypatch: pytest.MonkeyPatch, period: str) -> None:
    now = END - timedelta(days=400)
    monkeypatch.setattr(timezone, "now", lambda: now)
    while now < END:
        shown = window(period)
        ring = reading._RINGS[shown.step]
        assert shown.end - ring.step <= now < shown.end
        assert shown.start >= ring.since(now)
        assert shown.end - shown.start == PERIODS[period][1]
        assert not (shown.start - EPOCH) % ring.step
        pieces = _pieces(shown)
        assert [piece.start for piece in pieces] + [shown.end] == [shown.start] + [piece.end for piece in pieces]
        for piece in pieces:
            assert not (piece.start - EPOCH) % reading._RINGS[piece.step].step
            assert not (piece.end - EPOCH) % reading._RINGS[piece.step].step
        now += timedelta(hours=7)
