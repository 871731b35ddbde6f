"""track_performance on plain and async functions."""

from __future__ import annotations

import asyncio
import logging

import pytest

from perf import tracking
from perf.tracking import track_performance


@track_performance
def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


@track_performance
async def double_later(number: int) -> int:
    return 2 * number


@track_performance
def fail() -> None:
    raise LookupError("private detail")


@track_performance
async def fail_later() -> None:
    raise LookupError("private detail")


@pytest.fixture
def slow(monkeypatch):
    """Every call takes 0.6 s by the stopwatch."""
    ticks = iter(range(100))
    monkeypatch.setattr(tracking, "perf_counter", lambda: next(ticks) * 0.6)


@pytest.mark.req("B56")
def test_names_and_answers_are_kept(caplog):
    assert (double.__name__, double.__doc__, double(2)) == ("double", "Twice the number.", 4)
    assert double_later.__name__ == "double_later"
    assert asyncio.run(double_later(3)) == 6
    assert asyncio.iscoroutinefunction(double_later)
    assert not caplog.records


@pytest.mark.req("B56")
@pytest.mark.parametrize("call", [lambda: double(1), lambda: asyncio.run(double_later(1))])
def test_a_slow_call_warns(call, slow, caplog):
    assert call() == 2
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().endswith("took 0.600 s")
    assert "test_tracking.double" in record.getMessage()


@pytest.mark.req("B56")
@pytest.mark.parametrize("call", [fail, lambda: asyncio.run(fail_later())])
def test_an_exception_is_logged_and_rises(call, caplog):
    with pytest.raises(LookupError):
        call()
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "LookupError" in record.getMessage()
    assert "private" not in record.getMessage()


@pytest.mark.req("B57")
def test_without_monitoring_nothing_is_logged(slow, caplog, settings):
    settings.ENABLE_MONITORING = False
    double(1)
    with pytest.raises(LookupError):
        fail()
    assert not caplog.records
