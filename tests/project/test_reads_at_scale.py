"""Floors for reads of the roster's size, cold and warm, and how much of a day's mix the cache answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from time import perf_counter
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import Account
from benchmarks import api_day
from perf.benchmark import percentile
from snapshots.models import LatestSnapshot
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)  # what a transaction forgets stays uncached until it commits
ACCOUNTS, DAYS, RUNS = 100, 365, 20


@pytest.fixture
def reader(client: Client, settings: Any) -> Client:
    """Someone who may read figures, as often as they like."""
    settings.RATE_LIMITS = {}
    client.force_login(factories.user("viewer"))
    return client


def addresses() -> list[str]:
    """One of each hot answer."""
    account = Account.objects.active().exclude(latest__days=None).latest("latest__days")
    return ["/api/summary", "/api/grid", f"/api/history/{account.platform}/{account.handle}"]


def slowest(run: Callable[[], Any]) -> float:
    """The seconds that 95 of 100 runs stay within."""
    times = []
    for _ in range(RUNS):
        started = perf_counter()
        run()
        times.append(perf_counter() - started)
    return percentile(times, 0.95)


@pytest.mark.req("A90")
@pytest.mark.timed
def test_cached_answers_take_less_than_a_fifth_of_a_second(reader: Client) -> None:
    call_command("seed", accounts=ACCOUNTS, days=DAYS, yes=True, verbosity=0)
    for path in addresses():
        reader.get(path)
        assert reader.get(path)["X-Cache"] == "HIT"
        assert slowest(lambda path=path: reader.get(path)) < 0.2


@pytest.mark.req("A91")
@pytest.mark.timed
def test_answers_from_the_database_take_less_than_a_second(reader: Client) -> None:
    call_command("seed", accounts=ACCOUNTS, days=DAYS, yes=True, verbosity=0)
    for path in addresses():

        def cold(path: str = path) -> None:
            call_command("clear_cache", verbosity=0)
            assert reader.get(path)["X-Cache"] == "MISS"

        assert slowest(cold) < 1


@pytest.mark.req("A84", "A92")
@pytest.mark.timed
def test_no_query_of_a_read_or_page_takes_a_tenth_of_a_second(reader: Client) -> None:
    call_command("seed", accounts=ACCOUNTS, days=DAYS, yes=True, verbosity=0)
    longest: dict[str, float] = {}
    for path in [*addresses(), "/", "/accounts/", "/api/coverage", "/api/accounts", "/api/summary?group=total"]:
        with longest_query() as took:
            assert reader.get(path).status_code == 200
        assert took, f"{path} asked the database nothing, so this shows nothing"
        longest[path] = max(took)
    assert {path: seconds for path, seconds in longest.items() if seconds >= 0.1} == {}


@contextmanager
def longest_query() -> Iterator[list[float]]:
    """The seconds of each query of the block."""
    took: list[float] = []

    def timed(execute: Callable[..., Any], *arguments: Any) -> Any:
        started = perf_counter()
        try:
            return execute(*arguments)
        finally:
            took.append(perf_counter() - started)

    with connection.execute_wrapper(timed):
        yield took


@pytest.mark.req("A95")
def test_four_of_five_reads_of_a_day_are_answered_from_the_cache(
    reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The benchmark's day in small: the same mix, a scrape that commits in parts, an editor's changes."""
    sizes = {"READS": 200, "COMMITS": 6, "EDITS": 2, "SITTINGS": 1, "NIGHT_READS": 3}
    for name, size in sizes.items():
        monkeypatch.setattr(api_day, name, size)
    call_command("seed", accounts=20, days=5, yes=True, verbosity=0)
    before = LatestSnapshot.objects.known().count()
    states = []
    writes = api_day.writes(sizes["READS"])
    for number, path in enumerate(api_day.reads(Random(1))):
        for write in writes.get(number, ()):
            write()
        states.append(reader.get(path)["X-Cache"])
    hits = states.count("HIT") + states.count("STALE")
    assert (len(states), before) == (200, LatestSnapshot.objects.known().count())
    assert hits / len(states) > 0.8
