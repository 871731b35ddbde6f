"""Looking for an account's changes by its links gives what the whole log has."""

from __future__ import annotations

import pytest

from perf.benchmark import measure
from project import benchmarks
from project.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


def test_links_find_the_newest_entries_and_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "ENTRIES", 1_000)
    (case,) = benchmarks.benchmarks()
    with case.world():
        assert len(benchmarks.linked()) == 2  # a thousand entries are two for each account
    assert {row.variant for row in measure(case, iterations=1)} == {"naive", "ours"}
    assert not AuditEntry.objects.exists()
