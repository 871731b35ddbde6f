"""The ledger's benchmark measures only ways that agree, and claims nothing for good."""

from __future__ import annotations

import pytest

from accounts import benchmarks as registry
from perf.benchmark import Unequal, measure
from scraping import benchmarks
from scraping.models import ScrapeJob

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ACCOUNTS", 60)
    monkeypatch.setattr(benchmarks, "CLAIMED", 10)


def test_jobs_are_claimed_in_three_statements_or_one_by_one() -> None:
    tries, claims = benchmarks.benchmarks()
    naive, ours = measure(claims, iterations=1)
    assert naive.queries >= 2 * 10 > ours.queries
    assert len(benchmarks.claim()) == 0  # the world is gone
    assert {row.variant for row in measure(tries, iterations=1)} == {"naive", "ours"}
    assert not ScrapeJob.objects.exists()


def test_another_order_of_claims_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    right = benchmarks.claim_one_by_one
    monkeypatch.setattr(benchmarks, "claim_one_by_one", lambda: right()[::-1])
    _, claims = benchmarks.benchmarks()
    with pytest.raises(Unequal):
        measure(claims, iterations=1)
