"""Errands: who travels together, and how far a refused batch is taken apart."""

from __future__ import annotations

from time import monotonic

import pytest

from perf import clock
from scraping import errands
from scraping.connectors import CONNECTORS
from scraping.connectors.base import Target, Trouble
from scraping.errands import Errand, calls_of, together
from scraping.models import ScrapeJob
from scraping.results import Try


def errand(number: int, *seconds: float) -> Errand:
    """An errand that has made calls of these lengths."""
    tries = [Try("read", clock.now(), one, "ok") for one in seconds]
    return Errand(ScrapeJob(pk=number), Target(number, f"user{number}"), monotonic() + 60, tries)


def test_who_has_little_time_left_travels_with_its_like_only() -> None:
    fresh, second = errand(1), errand(2)
    quick = errand(3, 0.2)
    late = [errand(4, 15.0), errand(5, 15.0)]  # of one batch that took long
    later = errand(6, 15.0, 14.0)
    groups = together([fresh, late[0], quick, later, second, late[1]])
    assert groups == [[fresh, quick, second], late, [later]]
    assert later.seconds_left == pytest.approx(errands.ACCOUNT_SECONDS - 29)


def halved(count: int) -> list[int]:
    """The sizes of all calls that are made when every one of them is refused."""
    connector = CONNECTORS["x"]
    waiting = {number: errand(number) for number in range(1, count + 1)}
    sizes, search = [], None
    parts = [list(waiting.values())]
    while parts:
        part = parts.pop(0)
        (call,) = calls_of(connector, "", connector.batches([one.target for one in part]), waiting)
        call.search, sizes = search, [*sizes, len(part)]
        if call.halve(Try("read", clock.now(), 0.1, Trouble.REFUSED)):
            parts += call.halves
        search = call.search
    return sizes


def test_a_refused_account_alone_is_taken_apart_no_further() -> None:
    assert halved(1) == [1]
    assert halved(2) == [2, 1, 1]


def test_taking_apart_ends_before_it_costs_a_call_for_each_account() -> None:
    sizes = halved(100)
    assert sizes[:3] == [100, 50, 50]
    assert len(sizes) == 1 + errands.SEARCHES * 2 * 7
