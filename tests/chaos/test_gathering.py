"""A scrape whose workers are killed again and again loses nothing: the short form of `make chaos-gather`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from project.embedded import Valkey
from scraping.fakes import server
from tests.chaos.gathering import Faults, Gathering

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def valkey(settings: Any, tmp_path: Path, socket_enabled: None) -> Iterator[Valkey]:
    """A Valkey of this test alone, which it may wipe."""
    valkey = Valkey(tmp_path / "valkey", durable=False)
    valkey.start()
    settings.BROKER_URL = valkey.url(1)
    yield valkey
    valkey.stop()


@pytest.mark.parametrize(
    ("jobs", "kills"),
    [pytest.param(1_000, 6, marks=pytest.mark.chaos), pytest.param(5_000, 25, marks=pytest.mark.drill)],
)
def test_all_jobs_survive_kills_and_a_wiped_redis(valkey: Valkey, jobs: int, kills: int) -> None:
    url, stop = server.start()
    try:
        report = Gathering(url, valkey).run(jobs, Faults(worker_kills=kills, redis_wipes=1), seconds=90)
    finally:
        stop()
    assert report.whole, f"\n{report}"
    assert report.struck == {"worker_kills": kills, "redis_wipes": 1}
