"""The cache page: reads of all processes by family, counted where they are read."""

from __future__ import annotations

import re

import pytest

from perf import recording, storing
from perf.cache import Family, cached
from tests import factories
from tests.perf.views.test_overview import words

pytestmark = pytest.mark.django_db

TIDES, MOONS = Family("tides-page", timeout=60), Family("moons-page", timeout=60)


@pytest.fixture
def admin(client):
    client.force_login(factories.user("admin"))
    return client


@pytest.mark.req("A97")
def test_reads_are_counted_by_family_whoever_tells_of_them(admin):
    for _ in range(10):
        cached(TIDES, "today", lambda: b"High water at noon")
        storing.keep()  # each as a process of its own would tell it
    cached(MOONS, "today", lambda: b"Full")
    storing.keep()
    said = admin.get("/api/performance/cache?period=1h").json()
    assert [(one["family"], one["reads"], one["hits"], one["misses"]) for one in said["families"]] == [
        ("tides-page", 10, 9, 1), ("moons-page", 1, 0, 1),
    ]  # fmt: skip
    assert (said["families"][0]["hit_rate"], said["families"][0]["bytes"]) == (0.9, 9 * len(b"High water at noon"))
    assert 0 < said["families"][0]["saved"] < 1
    assert (said["whole"]["reads"], said["whole"]["stale"]) == (11, 0)
    assert said["steps"][-1]["hits"] == 9


def test_reads_of_other_processes_and_hours_are_added_up(admin):
    for outcome, many in {"hits": 90, "stale": 4, "misses": 6}.items():
        recording.count("cache", many, family="grid", outcome=outcome)
    recording.count("cache.bytes", 2**20, family="grid")
    recording.count("cache.saved", 3_000_000, family="grid")
    storing.keep()
    page = words(admin.get("/performance/cache/?period=24h"))
    assert "Answered by the cache 94 % 94 of 100 reads" in page
    assert re.search(r"grid 100 94 % 90 4 6 1\.00 MiB 3 s 32 ms", page)


def test_without_reads_the_page_says_when_families_appear(admin):
    assert "Nothing was read from the cache in this period. Families appear" in words(admin.get("/performance/cache/"))
