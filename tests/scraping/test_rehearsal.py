"""Gathering run through in advance: windows, packing, failures and money, without any service."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from scraping.connectors import CONNECTORS
from scraping.connectors.base import Target, Window
from scraping.models import Rank
from scraping.rehearsal import Debts, Meter, Outcome, Rehearsal, Terms, Wish, calls_a_day

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86_400.0


def wishes(count: int, rank: int = Rank.REST, *, due: float = START, known: bool = True, first: int = 0) -> list[Wish]:
    """Accounts with numbers as handles, all due at once; `known`: their platform's ids have been learned."""
    numbers = range(first, first + count)
    return [Wish(due, rank, Target(n, f"name{n}", f"{1000 + n}" if known else "")) for n in numbers]


def rehearse(platform: str, some: list[Wish], *windows: Window, spent: Any = (), **terms: Any) -> Outcome:
    values: dict[str, Any] = {"start": START, "night_end": START + 3 * HOUR, "end": START + DAY, "claimed": 1_000}
    connector = CONNECTORS[platform]
    meter = Meter(windows or connector.windows, spent)
    return Rehearsal(connector, "1:secret", meter, Terms(**values | terms)).run(some)


# --- Windows


def test_a_sliding_window_frees_what_is_older_than_it() -> None:
    meter = Meter([Window(10, 60)], [(START - 50, 4)])
    meter.spend(START, 6)
    assert meter.free_at(START + 1) == START + 10
    assert meter.free_at(START + 10, 5) == START + 60
    assert meter.left(START + 60) == 10


def test_all_windows_hold_at_once() -> None:
    meter = Meter([Window(5, 1), Window(8, 60)])
    meter.spend(START, 5)
    assert meter.free_at(START) == START + 1
    meter.spend(START + 1, 3)
    assert meter.free_at(START + 2) == START + 60


def test_a_daily_window_ends_at_the_platforms_own_midnight() -> None:
    pacific_midnight = datetime(2026, 11, 23, 8, 0, tzinfo=UTC).timestamp()
    yesterday = pacific_midnight - DAY - 1
    meter = Meter([Window(10, 86_400, "America/Los_Angeles")], [(yesterday, 9), (START - HOUR, 7)])
    assert meter.left(START) == 3
    assert meter.free_at(START, 4) == pacific_midnight
    assert meter.left(pacific_midnight) == 10


@pytest.mark.parametrize(("month", "day", "offset", "hours"), [(3, 8, 8, 23), (11, 1, 7, 25)])
def test_a_daily_window_lasts_as_long_as_its_day(month: int, day: int, offset: int, hours: int) -> None:
    begins = datetime(2026, month, day, offset, tzinfo=UTC).timestamp()  # midnight in Los Angeles
    meter = Meter([Window(1, 86_400, "America/Los_Angeles")])
    meter.spend(begins, 1)
    assert meter.free_at(begins + 1) == begins + hours * HOUR


def test_the_limits_alone_take_as_long_as_their_windows_say() -> None:
    assert Meter([Window(200, 3600)]).seconds_for(450, START) == 2 * HOUR
    assert Meter([]).seconds_for(450, START) == 0
    assert calls_a_day([Window(300, 900), Window(10_000, 86_400, "UTC")]) == 10_000
    assert calls_a_day([Window(200, 3600)]) == 4_800
    assert calls_a_day([]) is None


def test_a_call_larger_than_its_window_is_refused_as_by_the_limiter() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Meter([Window(3, 60)]).free_at(START, 4)


# --- A day


def test_calls_carry_as_many_accounts_as_the_platform_takes() -> None:
    outcome = rehearse("x", wishes(250))
    assert (outcome.calls, outcome.left.total(), outcome.ends) == (3, 0, START)
    assert outcome.dollars == Decimal("2.50")


def test_accounts_due_one_by_one_travel_one_by_one() -> None:
    spread = [wish for n in range(30) for wish in wishes(1, due=START + 60 * n, first=n)]
    assert rehearse("x", spread).calls == 30


def test_each_entry_of_a_graph_batch_counts() -> None:
    outcome = rehearse("instagram", wishes(130))
    assert outcome.calls == 130


def test_an_account_without_an_id_takes_a_call_more() -> None:
    outcome = rehearse("linkedin", wishes(10) + wishes(5, known=False, first=10), Window(100, 60))
    assert (outcome.calls, outcome.learning) == (20, 5)


def test_a_learned_id_is_kept_while_the_second_call_waits() -> None:
    outcome = rehearse("linkedin", wishes(3, known=False), Window(3, 3600))
    assert (outcome.calls, outcome.learning) == (6, 3)
    assert outcome.ends == START + HOUR


def test_what_the_day_does_not_hold_is_left_over_lowest_rank_first() -> None:
    some = wishes(30, Rank.CORE) + wishes(20, Rank.ACTIVE, first=30) + wishes(50, Rank.REST, first=50)
    outcome = rehearse("linkedin", some, Window(60, 86_400, "UTC"), end=START + 20 * HOUR)
    assert outcome.left == {Rank.REST: 40}
    assert (outcome.fitting, outcome.calls) == (60, 100)
    assert outcome.ends == datetime(2026, 11, 24, tzinfo=UTC).timestamp()


def test_what_is_read_after_the_window_is_late() -> None:
    outcome = rehearse("instagram", wishes(900))  # 200 an hour
    assert outcome.late == 900 - 4 * 200  # at 02:00, 03:00, 04:00 and 05:00
    assert outcome.left.total() == 0


def test_a_share_of_failures_comes_back_as_retries() -> None:
    outcome = rehearse("linkedin", wishes(100), Window(1_000, 60), failing_calls=0.2)
    assert (outcome.calls, outcome.repeated) == (124, 24)
    assert outcome.left.total() == 0


def test_missing_answers_are_asked_for_again_without_the_rest_of_their_batch() -> None:
    outcome = rehearse("x", wishes(100), failing_answers=0.1)
    assert outcome.calls > 1
    assert outcome.repeated == 11


def test_a_platform_that_fails_always_is_given_up_after_five_tries_each() -> None:
    outcome = rehearse("linkedin", wishes(20), Window(1_000, 60), failing_calls=1.0)
    assert 95 <= outcome.calls <= 100


def test_money_ends_the_day() -> None:
    outcome = rehearse("x", wishes(250), dollars=Decimal("2.10"))
    assert outcome.broke
    assert (outcome.fitting, outcome.left.total()) == (2, 50)
    assert outcome.dollars == Decimal("2.50")  # what all of it would have taken


def test_without_any_money_nothing_is_asked() -> None:
    outcome = rehearse("x", wishes(10), dollars=Decimal(0))
    assert (outcome.fitting, outcome.left.total(), outcome.calls) == (0, 10, 1)


def test_slow_calls_take_the_day_longer() -> None:
    outcome = rehearse("linkedin", wishes(101), Window(1_000, 60), pace=2.0)
    assert outcome.ends == START + 200


def test_nothing_to_read_takes_nothing() -> None:
    assert rehearse("x", []) == Outcome()


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.25, 25), (1 / 3, 33), (0.8, 80), (1.0, 80)])
def test_failures_come_evenly(share: float, expected: int) -> None:
    debts = Debts(share)
    assert sum(debts.due() for _ in range(100)) == expected
