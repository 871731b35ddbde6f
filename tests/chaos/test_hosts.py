"""Several worker hosts share one Redis and one PostgreSQL; one is cut off and comes back, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from project.embedded import Valkey
from scraping.fakes import server
from tests.chaos import hosts
from tests.chaos.gathering import Faults

pytestmark = [pytest.mark.drill, pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]


@pytest.fixture
def two() -> Iterator[list[hosts.Host]]:
    """Two hosts, or a loud skip."""
    if why := hosts.allowed():
        pytest.skip(f"NOT SHOWN HERE: no network namespaces, so no worker hosts ({why})")
    made: list[hosts.Host] = []
    try:
        made += [hosts.Host(1)]
        made += [hosts.Host(2)]
        yield made
    finally:
        for host in made:
            host.remove()


@pytest.fixture
def valkey(settings: Any, tmp_path: Path, socket_enabled: None) -> Iterator[Valkey]:
    """A Valkey of this test alone."""
    valkey = Valkey(tmp_path / "valkey", durable=False)
    valkey.start()
    settings.BROKER_URL = valkey.url(1)
    yield valkey
    valkey.stop()


def test_host_that_is_cut_off_and_returns_loses_nothing(valkey: Valkey, two: list[hosts.Host]) -> None:
    url, stop = server.start()
    gathering = hosts.GatheringOnHosts(url, valkey, two)
    try:
        report = gathering.run(1_000, Faults(host_cuts=1, worker_kills=2), seconds=240)
    finally:
        gathering.close()
        stop()
    assert report.whole, f"\n{report}"
    assert report.struck == {"host_cuts": 1, "worker_kills": 2}
    print(report)
