"""An answer that takes several statements shows one state, whenever somebody commits meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.db import connection

from perf import clock
from perf.cache import cached, clear
from snapshots.cache import GRID
from snapshots.grid import GridFilters, grid_page
from snapshots.recording import Sighting, record
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_dbs]
READER = User(pk=0, is_active=True, is_superuser=True)


def seen(account: Any) -> None:
    record([Sighting(account.pk, clock.today(), clock.now(), "observed", 1_000)])


def grid(name: str, **filters: Any) -> dict[str, Any]:
    found = cached(GRID, f"grid:{name}", lambda: grid_page(GridFilters(**filters), READER))
    answer: dict[str, Any] = orjson.loads(found.value)
    return answer


@contextmanager
def overtaken(account: Any, before: int) -> Iterator[list[str]]:
    """Another connection commits a figure of `account` before the statement number `before` of this one's."""

    def write() -> None:
        seen(account)
        connection.close()

    def execute(run: Any, sql: Any, *rest: Any) -> Any:
        if len(asked) == before:
            writer = threading.Thread(target=write)
            writer.start()
            writer.join()
        asked.append(str(sql))
        return run(sql, *rest)

    asked: list[str] = []
    with connection.execute_wrapper(execute):
        yield asked


@pytest.mark.parametrize("part", ["computed", "cached"])
def test_a_grids_total_is_that_of_its_rows_whenever_a_figure_comes(part: str) -> None:
    """The total is a part of the answer with a place of its own in the cache, which another answer may have filled."""
    first, *late = [factories.account() for _ in range(5)]
    seen(first)
    overtakings = 0
    for before, account in enumerate(late):
        clear()
        if part == "cached":
            grid("another", day="latest", per_page=1)
        with overtaken(account, before) as asked:
            answer = grid("one", day="latest")
        assert answer["total"] == len(answer["data"]) in (before + 1, before + 2)
        if len(asked) > before:
            overtakings += 1
        else:
            seen(account)
        now = grid("one", day="latest")
        assert now["total"] == len(now["data"]) == before + 2
    assert overtakings >= (3 if part == "computed" else 2)
