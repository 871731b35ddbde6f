"""Reads from the cache by route: those of Django's requests, and those that the warm path answers ahead of it."""

from __future__ import annotations

import pytest

from perf import reading, recording, storing
from perf.recording import READS
from perf.traces import CacheCall, Trace, tell

pytestmark = pytest.mark.django_db


def test_each_route_counts_its_reads_by_outcome():
    calls = [CacheCall("grid", outcome, 0.001) for outcome in ("hits", "hits", "misses", "stale")]
    tell(Trace("api:grid", calls=calls), 0.1)
    tell(Trace("login"), 0.1)
    warm = ("GET", "api:grid", "200", 0.001, 0.0, 0.0005, 0, 900, None)
    for _ in range(5):
        recording.requested(warm)
    recording.requested((*warm[:-1], 0.00004))
    storing.keep()
    counted = reading.counts(READS, reading.window("1h"))
    assert {(one.get("route"), one.get("outcome")): many for one, many in counted.items()} == {
        ("api:grid", "hits"): 7, ("api:grid", "misses"): 1, ("api:grid", "stale"): 1,
    }  # fmt: skip
