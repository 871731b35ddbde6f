"""What monitoring costs is told against a process without it; what it keeps is counted in the tables' own bytes."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks import kept_series, overhead
from benchmarks.overhead import AGAIN, OFF, ON, SILK, Costs
from perf import clock, reading
from perf.models import DAYS, RINGS, Arrival
from perf.recording import ALL
from perf.series import HISTOGRAM


def test_costs_are_medians_of_what_each_round_took_more() -> None:
    costs = Costs()
    costs.wall |= {OFF: [100, 900, 110], ON: [130, 940, 141], SILK: [400, 1_200, 410]}  # a noisy round hits all
    costs.wall[AGAIN] = [102, 898, 112]
    costs.cpu |= {OFF: [90, 95, 90], ON: [150, 155, 150], SILK: [300, 305, 300]}
    costs.held |= {OFF: [50, 52, 49], ON: [51, 51, 51], SILK: [58, 58, 58]}
    lines = list(overhead._lines("cold grid", costs))
    told = {(line.variant, line.unit): (line.value, line.ratio, line.met) for line in lines}
    assert told[ON, "µs more"] == (31, None, True)
    assert told[SILK, "µs more"] == (300, pytest.approx(300 / 31), None)
    assert told[ON, "of the p50"] == (pytest.approx(31 / 110), None, False)
    assert told[ON, "µs more of CPU, background included"][0] == 60
    assert told[SILK, "MB more memory"][0] == 8
    assert [line.value for line in lines if line.variant == AGAIN] == [2]  # chance: told, and judged by nobody


@pytest.mark.req("A107")
def test_minutes_that_were_simulated_go_the_whole_way(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_series, "MINUTES", 4)
    monkeypatch.setattr(kept_series, "ROUTES", 3)
    lines = {(line.variant, line.unit): line.value for line in kept_series._day()}
    assert not Arrival.objects.exists()  # all of it was rolled up
    assert lines["ours", "rows"] == sum(table.objects.count() for ring in RINGS for table in ring.tables)
    assert lines["ours", "MB"] > 0
    counted = reading.totals("request", reading.window("1h"))
    assert sum(one.count for one in counted.values()) == pytest.approx(4 * kept_series.A_MINUTE, rel=0.02)


@pytest.mark.parametrize(("name", "days", "met"), [("a week", 7, None), ("a year", 365, True)])
def test_a_week_and_a_year_are_what_the_rings_hold(
    db: None, monkeypatch: pytest.MonkeyPatch, name: str, days: int, met: bool | None
) -> None:
    monkeypatch.setattr(kept_series, "ROUTES", 1)
    monkeypatch.setattr(kept_series, "POOL", 1)
    monkeypatch.setattr(kept_series, "DRAWN", 50)
    monkeypatch.setattr(kept_series, "RINGS", (DAYS,))  # the others take tens of thousands of rows
    length = kept_series.LENGTHS[name]
    periods = list(kept_series._periods(DAYS, kept_series.since(DAYS, length), clock.now()))
    assert len(periods) == days + 1
    (rows, size, *parts) = kept_series._after(name, length)
    assert rows.value == 6 * len(periods)
    assert size.met is met
    assert sum(part.value for part in parts) == pytest.approx(size.value, abs=0.1)  # the table of arrivals


def test_every_series_has_something_in_each_period() -> None:
    made = kept_series.series(Random(1), 1)
    whole = made.pop((HISTOGRAM, ALL))
    assert {len(block) for block in made.values()} == {60 * 3}
    assert sum(one.count for one in whole.values()) == sum(one.count for one in made[HISTOGRAM, "request"].values())
    assert all(one.count >= 1 for block in made.values() for one in block.values())
