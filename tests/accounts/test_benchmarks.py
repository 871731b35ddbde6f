"""The registry's benchmark measures only ways that agree, and leaves nothing behind."""

from __future__ import annotations

import pytest

from accounts import benchmarks
from accounts.models import Account
from perf.benchmark import Unequal, measure

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "ACCOUNTS", 130)


def test_both_ways_agree_at_different_costs() -> None:
    rows = [row for case in benchmarks.benchmarks() for row in measure(case, iterations=1)]
    assert [(row.variant, row.queries) for row in rows[:2]] == [("naive", 51), ("ours", 1)]
    assert [row.case for row in rows[2::2]] == ["accounts called like a word", "account by its handle"]
    assert not Account.objects.exists()


def test_a_way_that_gives_something_else_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "page", lambda: benchmarks.page_by_loops()[1:])
    with pytest.raises(Unequal):
        measure(next(benchmarks.benchmarks()), iterations=1)
