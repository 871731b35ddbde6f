"""Reading through the cache, on Redis and in memory alike."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep
from typing import TypeVar

import pytest
from django.core.cache import cache

from perf import clock, reading, storing
from perf.cache import Family, cached, clear, forget, stored
from perf.families import FamilyReads, families

T = TypeVar("T")
pytestmark = pytest.mark.usefixtures("any_store")


class Work:
    """Something costly that counts how often it was done."""

    def __init__(self, answer: bytes = b"[1,2]", seconds: float = 0) -> None:
        self.answer, self.seconds, self.done = answer, seconds, 0
        self._guard = threading.Lock()

    def __call__(self) -> bytes:
        with self._guard:
            self.done += 1
        sleep(self.seconds)
        return self.answer


def at_once(number: int, read: Callable[[], T]) -> Counter[T]:
    """What `number` threads get that read at the same moment."""
    start = threading.Barrier(number)

    def go(_: int) -> T:
        start.wait()
        return read()

    with ThreadPoolExecutor(number) as pool:
        return Counter(pool.map(go, range(number)))


def test_the_second_reader_gets_the_stored_bytes(family):
    work = Work()
    first, second = cached(family, "a", work), cached(family, "a", work)
    assert (first.state, second.state, work.done) == ("MISS", "HIT", 1)
    assert first.value == second.value == b"[1,2]"
    assert first.etag == second.etag


def test_answers_for_different_viewers_are_kept_apart(family):
    cached(family, "a", Work(b"all"), vary="admin")
    assert cached(family, "a", Work(b"some"), vary="viewer").value == b"some"


def test_forgetting_outside_a_transaction_holds_at_once(family):
    cached(family, "a", Work(b"old"))
    forget(family)
    assert cached(family, "a", Work(b"new")).value == b"new"


def test_an_answer_falls_with_what_it_depends_on(family):
    upper = Family(f"{family.name}-upper", 300, depends_on=(Family(f"{family.name}-mid", 300, (family,)),))
    cached(upper, "a", Work())
    forget(family)
    assert cached(upper, "a", Work()).state == "MISS"


def test_forgetting_a_member_leaves_the_others(family):
    for member in ("x:a", "x:b"):
        cached(family.of(member), member, Work())
    forget(family.of("x:a"))
    assert cached(family.of("x:a"), "x:a", Work()).state == "MISS"
    assert cached(family.of("x:b"), "x:b", Work()).state == "HIT"


def test_forgetting_a_family_forgets_its_members(family):
    cached(family.of("x:a"), "a", Work())
    forget(family)
    assert cached(family.of("x:a"), "a", Work()).state == "MISS"


def test_an_answer_ends_after_its_time(family):
    cached(family, "a", Work())
    with clock.shifted(timedelta(seconds=299)):
        assert cached(family, "a", Work()).state == "HIT"
    with clock.shifted(timedelta(seconds=301)):
        assert cached(family, "a", Work()).state == "MISS"


@pytest.mark.req("A4")
def test_the_stored_time_to_live_is_the_familys(family):
    root = f"{family.name}:latest"
    cached(family, root, Work())
    assert list(stored(root)) == [root]
    assert stored(root)[root] in (299, 300)


def test_a_family_without_time_stores_nothing():
    family = Family("no-time", timeout=0)
    cached(family, "no-time", Work())
    assert cached(family, "no-time", Work()).state == "MISS"


def test_fifty_readers_at_expiry_compute_once(family):
    work = Work(seconds=0.5)
    cached(family, "a", work)
    with clock.shifted(timedelta(seconds=301)):
        states = at_once(50, lambda: cached(family, "a", work).state)
    assert work.done == 2
    assert states["MISS"] == 1
    assert states["STALE"] == 49


def test_readers_of_a_cold_answer_wait_for_the_first(family):
    work = Work(seconds=0.2)
    states = at_once(20, lambda: cached(family, "a", work).state)
    assert work.done == 1
    assert states == {"MISS": 1, "HIT": 19}


def test_nothing_forgotten_is_served_stale(family):
    cached(family, "a", Work(b"old"))
    forget(family)
    work = Work(b"new", seconds=0.2)
    assert b"old" not in at_once(10, lambda: cached(family, "a", work).value)
    assert work.done == 1


def test_a_failed_computation_lets_the_next_reader_try(family):
    def fail() -> bytes:
        raise LookupError

    with pytest.raises(LookupError):
        cached(family, "a", fail)
    assert cached(family, "a", Work(b"good")).value == b"good"
    assert cached(family, "a", Work()).state == "HIT"


def test_an_answer_computed_before_a_change_is_not_kept(family):
    def overtaken() -> bytes:
        forget(family)
        return b"old"

    cached(family, "a", overtaken)
    assert cached(family, "a", Work(b"new")).value == b"new"


def test_what_another_release_stored_is_a_miss(family):
    cache.set("a", b"\xff another format", version="answers")
    assert cached(family, "a", Work(b"new")).value == b"new"


def test_clearing_drops_answers_alone_and_counts_them(family):
    clear()
    cache.set("session-like", "kept")
    for name in ("a", "b", "c"):
        cached(family, f"{family.name}:{name}", Work())
    assert clear() == 3
    assert cached(family, f"{family.name}:a", Work()).state == "MISS"
    assert cache.get("session-like") == "kept"


def test_an_answer_in_the_making_does_not_survive_a_clear(family):
    def cleared_meanwhile() -> bytes:
        clear()
        return b"old"

    cached(family, "a", cleared_meanwhile)
    assert cached(family, "a", Work()).state == "MISS"


def reads_of(family: Family) -> FamilyReads:
    """What the page of the cache would show of it."""
    storing.keep()
    (found,) = [one for one in families(reading.window("1h")) if one.family == family.name]
    return found


@pytest.mark.req("A83")
def test_counts_tell_hits_misses_stale_bytes_and_time_saved(family, settings):
    settings.PERF_STORE = "memory"
    work = Work(b"12345", seconds=0.05)
    for name in ("a", "a", "a", "b"):
        cached(family, name, work)
    with clock.shifted(timedelta(seconds=301)):
        at_once(2, lambda: cached(family, "a", work).state)
    counted = reads_of(family)
    assert (counted.hits, counted.misses, counted.stale) == (2, 3, 1)
    assert counted.bytes == 15
    assert counted.saved >= 0.15
    assert counted.hit_rate == 0.5


def test_members_count_under_their_family(family, settings):
    settings.PERF_STORE = "memory"
    cached(family.of("x:a"), "a", Work())
    assert reads_of(family).misses == 1
