"""Who did the same at the same time: in one process or several, however late and in whichever order they tell."""

from __future__ import annotations

from itertools import permutations

import pytest

from perf import clock, reading, recording, storing
from perf.crowds import Crowd, Span, at_once


def runs(*spans: tuple[float, float], answer: int = 0) -> list[Span]:
    return [Span(answer, 1_000 + began, 1_000 + ended) for began, ended in spans]


@pytest.mark.parametrize(
    ("spans", "most"),
    [
        ([], 0),
        ([(0, 1)], 1),
        ([(0, 1), (1, 2), (2, 3)], 1),
        ([(0, 3), (1, 2), (2, 4)], 2),
        ([(0, 9), (1, 8), (2, 3), (4, 5), (4.5, 6)], 4),
        ([(5, 5), (5, 5)], 0),
    ],
)
def test_a_crowd_is_the_most_that_ran_at_one_moment(spans: list[tuple[float, float]], most: int) -> None:
    assert at_once(runs(*spans)) == most


def test_runs_of_different_answers_are_no_crowd() -> None:
    assert Crowd.of(runs((0, 9)) + runs((0, 9), answer=7) + runs((1, 2), answer=2**64 - 1)).most == 1


def test_what_processes_tell_in_whichever_order_is_one_crowd() -> None:
    told = [runs((0, 5), (20, 21)), runs((1, 6)), runs((4, 7), (30, 31))]
    for order in permutations(told):
        whole = Crowd()
        for part in order:
            (kept,) = Crowd.unpack(Crowd.pack([Crowd.of(part)]), [True])
            whole.merge(kept)
        assert whole.most == 3, order


def test_only_runs_that_others_may_still_meet_are_kept() -> None:
    crowd = Crowd.of(runs(*((number, number + 0.5) for number in range(200)), (100, 100.4)))
    assert (crowd.most, len(crowd.runs)) == (2, 60)
    crowd.merge(Crowd.of(runs(*((199.2, 199.4) for _ in range(60)))))
    assert (crowd.most, len(crowd.runs)) == (61, Crowd.RUNS)


@pytest.mark.both_dbs
@pytest.mark.parametrize("rolled_up", ["never", "at the end", "between"])
def test_runs_of_several_processes_are_counted_together(db: None, rolled_up: str) -> None:
    now = clock.now().timestamp()
    for process in range(4):
        recording.ran("cache.crowd", Span(1, now - 2 + process / 4, now), family="tides")
        recording.ran("cache.crowd", Span(process, now - 2, now), family="moons")
        storing.keep()  # a row of its own, as each process writes
        if rolled_up == "between":
            storing.roll_up()
    if rolled_up == "at the end":
        storing.roll_up()
    for period in ("1h", "24h", "7d", "30d"):
        found = reading.crowds("cache.crowd", reading.window(period))
        assert {labels.get("family"): most for labels, most in found.items()} == {"tides": 4, "moons": 1}
