"""The predecessors' way gives the same figures as ours, so their times may stand side by side."""

from __future__ import annotations

from datetime import timedelta

import pytest

from benchmarks import naive
from perf import clock
from perf.benchmark import NothingToMeasure, Unequal, measure
from snapshots.benchmarks import benchmarks
from snapshots.recording import Sighting, record
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


@pytest.fixture
def week() -> None:
    """Three accounts over a week, one of which is missing today and one of which hides its followers."""
    now = clock.now()
    accounts = [factories.account("x", handle) for handle in ("alpha", "beta", "gamma")]
    record(
        [
            Sighting(
                account.pk, at.date(), at, "observed", None if number == 1 else 1000 + number + days, engagements=5
            )
            for number, account in enumerate(accounts)
            for days in range(7)
            if (number, days) != (2, 0)
            for at in [now - timedelta(days=days)]
        ]
    )


@pytest.mark.req("A43")
def test_both_ways_give_the_same_figures(week):
    rows = [row for case in benchmarks() for row in measure(case, iterations=1)]
    assert [row.case for row in rows[::2]] == ["summary", "grid, first page of 50", "history of one account"]
    assert [row.variant for row in rows] == ["naive", "ours"] * 3


@pytest.mark.parametrize(("place", "way"), list(enumerate(["summary", "grid", "history"])))
def test_one_wrong_figure_is_found(week, monkeypatch, place, way):
    right = getattr(naive, way)
    monkeypatch.setattr(naive, way, lambda *arguments: right(*arguments).replace("1000", "1001"))
    with pytest.raises(Unequal):
        measure(list(benchmarks())[place], iterations=1)


def test_without_figures_there_is_nothing_to_measure():
    with pytest.raises(NothingToMeasure, match="make run"):
        measure(next(benchmarks()))
