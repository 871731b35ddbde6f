"""No window is exceeded by processes that are killed, nor by a Redis that forgets; and what is allowed is used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from project.embedded import Valkey
from tests.chaos.quotas import call_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def valkey(tmp_path: Path, socket_enabled: None) -> Iterator[Valkey]:
    """A Valkey of this test alone, which it may wipe and kill."""
    valkey = Valkey(tmp_path / "valkey", durable=False)
    valkey.start()
    yield valkey
    valkey.stop()


@pytest.mark.chaos
@pytest.mark.req("A63")
def test_no_window_is_exceeded_whoever_is_killed_and_whatever_redis_forgets(valkey: Valkey, tmp_path: Path) -> None:
    seen = call_for(10, tmp_path, valkey, callers=4, kills=5, wipes=2, restarts=1)
    assert seen.calls > 100
    assert not seen.exceeded, seen


@pytest.mark.timed  # its callers need the machine for themselves
def test_what_a_limit_allows_is_used(valkey: Valkey, tmp_path: Path) -> None:
    seen = call_for(8, tmp_path, valkey, callers=4)
    assert not seen.exceeded, seen
    assert seen.share >= 0.95, seen
