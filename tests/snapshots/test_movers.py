"""Who moved most: by what latest rows carry, and between any two days."""

from __future__ import annotations

import pytest

from snapshots.movers import FLOOR, SHOWN, Movers, movers
from snapshots.periods import Period
from tests import factories
from tests.snapshots.worlds import TODAY, days_ago, see

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

MOVED = {  # from, to
    "up": (100, 300), "upper": (5_000, 5_900), "doubled": (1_000, 2_000), "tiny": (3, 6), "still": (50, 50),
    "down": (500, 450), "downer": (9_000, 8_000), "halved": (1_200, 600),
}  # fmt: skip


@pytest.fixture
def moved() -> None:
    """Accounts with figures of today and a week ago, one that is resting and one that is new."""
    for handle, (before, after) in MOVED.items():
        account = factories.account("x", handle)
        see(account, before, ago=7)
        see(account, after)
    resting = factories.account("x", "resting", is_active=False)
    see(resting, 80_000, ago=7)
    see(resting, 90_000)
    see(factories.account("x", "new"), 90_000)


WEEK = [{"days": "7"}, {"from": f"{days_ago(7)}", "to": f"{TODAY}"}]
"""The same days by the changes that are kept, and by comparing both days."""


def names(found: Movers) -> dict[str, list[str]]:
    lists = {"gained": found.gained, "lost": found.lost, "grew": found.grew, "shrank": found.shrank}
    return {name: [mover.account.handle for mover in rows] for name, rows in lists.items()}


@pytest.mark.parametrize("query", WEEK)
def test_the_furthest_come_first_and_small_ones_are_not_ranked_by_per_cent(moved: None, query: dict[str, str]) -> None:
    found = movers(Period.of(query))
    assert names(found) == {
        "gained": ["doubled", "upper", "up", "tiny"],
        "lost": ["downer", "halved", "down"],
        "grew": ["doubled", "upper"],
        "shrank": ["halved", "downer"],
    }
    assert (found.gained[0].gain, found.gained[0].base) == (1_000, FLOOR)
    assert (found.shrank[0].gain, found.shrank[0].base) == (-600, 1_200)


@pytest.mark.parametrize("query", WEEK)
def test_nobody_is_named_as_losing_when_nobody_lost(query: dict[str, str]) -> None:
    account = factories.account("x")
    see(account, 100, ago=7)
    see(account, 101)
    found = movers(Period.of(query))
    assert (found.lost, found.shrank, found.any) == ([], [], True)


@pytest.mark.parametrize("query", WEEK)
def test_of_many_the_first_are_shown(query: dict[str, str]) -> None:
    for number in range(SHOWN + 2):
        account = factories.account("x", f"n{number}")
        see(account, 2_000, ago=7)
        see(account, 2_001 + number)
    found = names(movers(Period.of(query)))
    assert found["gained"] == found["grew"] == ["n6", "n5", "n4", "n3", "n2"]
