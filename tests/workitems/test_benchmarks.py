"""The benchmark of the list: three ways to the same items, measured only while they agree."""

from __future__ import annotations

import pytest

from perf.benchmark import ITERATIONS, Unequal, measure
from workitems import benchmarks
from workitems.models import WorkItem

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "ITEMS", 60)


@pytest.mark.req("B97")
def test_all_eager_and_the_first_page_are_measured_with_what_they_give() -> None:
    (case,) = benchmarks.benchmarks()
    rows = measure(case, iterations=1)
    assert ITERATIONS == 100
    assert {row.variant: row.queries for row in rows} == {
        "all, one by one": 1 + 2 * 60,
        "all, eager": 3,
        "page 1 of 25": 5,
    }
    assert all(0 < row.least <= row.median <= row.most and row.mean for row in rows)
    assert not WorkItem.objects.exists()


def test_a_way_that_lists_something_else_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "eager", lambda: benchmarks.one_by_one()[1:])
    (case,) = benchmarks.benchmarks()
    with pytest.raises(Unequal):
        measure(case, iterations=1)
