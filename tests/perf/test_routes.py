"""The steps of the overview: every request once, whether its release kept the times of all routes together or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from perf import clock, recording, storing
from perf.budgets import Budget
from perf.histograms import Histogram
from perf.reading import Window, histograms, window
from perf.routes import READS_MIN, watched
from perf.series import Labels
from tests.perf.recorded import Answered

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


def asked(hours: int, *statuses: int, earlier_release: bool = False) -> None:
    with clock.shifted(timedelta(hours=-hours)):
        for status in statuses:
            if earlier_release:
                Answered("grid", 0.02, status=status).record()
            else:
                recording.requested(("GET", "grid", str(status), 0.02, 0.0, 0.0, 1, 9, None))
        storing.keep()


@pytest.mark.parametrize("period", ["24h", "7d"])
def test_requests_of_an_earlier_release_are_counted_once(period: str) -> None:
    """Of the hour in which the release changed, too, of which only a part was kept together."""
    asked(4, 200, 500, earlier_release=True)
    asked(3, 200, 404, earlier_release=True)
    asked(3, 200, 503)
    asked(1, 200, 200, 404)
    storing.roll_up()
    asked(0, 500)
    seen = watched(window(period))
    moments = [(one.times.count, one.failed, one.refused) for _, one in seen.moments if one is not None]
    assert moments == [(2, 1, 0), (4, 1, 1), (3, 0, 1), (1, 1, 0)]
    assert [one is None for _, one in seen.moments[-5:]] == [False, False, True, False, False]
    assert (seen.whole.count, seen.whole.failed, seen.whole.refused) == (10, 3, 2)


def test_steps_are_read_of_all_routes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty routes cost the chart no more than one: of a step that has them together no route's times are read."""
    for hours in (5, 3, 1):
        asked(hours, 200)
    read = []

    def reading(name: str, over: Window) -> Iterator[tuple[datetime, Labels, Histogram]]:
        read.append((name, over))
        return histograms(name, over)

    monkeypatch.setattr("perf.routes.histograms", reading)
    watched(window("24h"))
    (_, whole), (name, before) = read
    assert (name, before.end - whole.start) == ("request", timedelta(hours=19))


@pytest.mark.parametrize(("period", "over"), [("24h", ["hit rate"]), ("7d", ["hit rate"]), ("1h", [])])
def test_a_hit_rate_under_its_budget_is_told_of_a_day(
    period: str, over: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perf.routes.budgets", lambda: {"grid": Budget("grid", queries=9, hit_rate=0.8)})
    asked(0, 200)
    for outcome, many in (("hits", READS_MIN // 2), ("misses", READS_MIN)):  # and one hit of asked()
        recording.count(recording.READS, many, route="grid", outcome=outcome)
    storing.keep()
    (route,) = watched(window(period)).routes
    assert [excess.what for excess in route.excesses] == over
