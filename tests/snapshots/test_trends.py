"""Lines of followers: gaps, the period before, and what accounts that come and go do to them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Account, Organization
from snapshots.trends import LINES, POINTS
from tests import factories
from tests.snapshots.worlds import TODAY, days_ago, see

pytestmark = pytest.mark.django_db


def trend(viewer: Client, query: str = "days=7") -> list[dict[str, Any]]:
    """The lines of an answer."""
    found: list[dict[str, Any]] = viewer.get(f"/trend/?{query}").json()["series"]
    return found


def values(viewer: Client, query: str = "days=7") -> list[int | None]:
    """The values of the only line."""
    (line,) = trend(viewer, query)
    found: list[int | None] = line["values"]
    return found


def test_a_day_that_sees_fewer_than_half_of_the_accounts_is_a_gap(viewer: Client) -> None:
    accounts = [factories.account("x") for _ in range(3)]
    for ago in range(8, -1, -1):
        for account in accounts[: {4: 1, 2: 2}.get(ago, 3)]:
            see(account, 100, ago=ago)
    answer = viewer.get("/trend/?days=7").json()
    assert [line["label"] for line in answer["series"]] == ["X"]
    assert answer["series"][0]["values"] == [300, 300, 300, None, 300, 300, 300, 300]
    assert (answer["dates"][0], answer["dates"][-1]) == (f"{days_ago(7)}", f"{TODAY}")


def test_the_first_days_of_a_growing_roster_are_no_gaps(viewer: Client) -> None:
    for number, first in enumerate((3, 2, 1)):
        account = factories.account("x")
        for ago in range(first, -1, -1):
            see(account, 100 * (number + 1), ago=ago)
    assert values(viewer) == [None, None, None, None, 100, 300, 600, 600]


def test_a_platform_of_inactive_accounts_alone_has_no_line(viewer: Client) -> None:
    kept, left = factories.account("x"), factories.account("youtube")
    for ago in range(6, -1, -1):
        see(left, 100, ago=ago)
        see(kept, 100, ago=ago)
    Account.objects.filter(pk=left.pk).deactivate(None)
    assert [line["label"] for line in trend(viewer)] == ["X"]


def test_an_account_not_seen_counts_with_what_it_had_last(viewer: Client) -> None:
    blocked, *others = [factories.account("x") for _ in range(4)]
    for ago, followers in ((3, 100), (2, 110), (1, 120), (0, 130)):
        for account in others:
            see(account, followers, ago=ago)
    see(blocked, 1_000, ago=3)
    see(blocked, 1_050, ago=1)
    assert values(viewer)[-4:] == [1_300, 1_330, 1_410, 1_440]
    assert values(viewer, "days=7&traced=1")[-4:] == [1_300, 1_330, 1_410, 1_440]


def test_a_new_account_steps_up_the_sum_and_is_traced_back_for_growth(viewer: Client) -> None:
    old, new = factories.account("x"), factories.account("x")
    for ago, followers in ((3, 100), (2, 110), (1, 120), (0, 130)):
        see(old, followers, ago=ago)
    see(new, 5_000, ago=1)
    see(new, 5_005, ago=0)
    assert values(viewer)[-4:] == [100, 110, 5_120, 5_135]
    assert values(viewer, "days=7&traced=1")[-4:] == [5_100, 5_110, 5_120, 5_135]


def test_the_period_before_is_beside_each_day(viewer: Client) -> None:
    account = factories.account("x")
    for ago in range(14, -1, -1):
        see(account, 1_000 - ago, ago=ago)
    (line,) = trend(viewer)
    assert line["values"] == list(range(993, 1_001))
    assert line["previous"] == list(range(986, 994))


def test_of_another_period_the_days_after_it_change_nothing(viewer: Client) -> None:
    account = factories.account("x")
    for ago, followers in ((9, 10), (8, 12), (7, 15), (0, 900)):
        see(account, followers, ago=ago)
    query = f"from={days_ago(9)}&to={days_ago(7)}"
    assert values(viewer, query) == [10, 12, 15]
    assert values(viewer, f"{query}&traced=1") == [10, 12, 15]


def test_small_organisations_share_a_line_that_completes_the_sum(viewer: Client) -> None:
    for number in range(LINES + 2):
        account = factories.account("x", organization=factories.organization(f"Office {number}"))
        see(account, 100 * (number + 1), ago=1)
        see(account, 100 * (number + 1))
    lines = trend(viewer, "days=7&by=organization")
    assert [line["label"] for line in lines] == [f"Office {number}" for number in range(9, 1, -1)] + ["Others"]
    assert lines[-1]["values"][-1] == 100 + 200
    assert values(viewer, "days=7&by=all")[-1] == sum(line["values"][-1] for line in lines)


def test_largest_organisations_are_those_of_the_days_around(viewer: Client) -> None:
    for number in range(LINES + 2):
        account = factories.account("x", organization=factories.organization(f"Office {number}"))
        see(account, 100 * (number + 1), ago=1)
    early = factories.account("youtube", organization=Organization.objects.get(name="Office 0"))
    see(early, 10, ago=0)  # at night, before the others are read
    lines = trend(viewer, "days=7&by=organization")
    assert [line["label"] for line in lines] == [f"Office {number}" for number in range(9, 1, -1)] + ["Others"]


def test_organisations_have_lines_up_to_a_day_without_figures(viewer: Client) -> None:
    account = factories.account("x", organization=factories.organization("Parks"))
    for ago in (9, 8, 5, 0):
        see(account, 100, ago=ago)
    lines = trend(viewer, f"from={days_ago(9)}&to={days_ago(6)}&by=organization")
    assert [line["label"] for line in lines] == ["Parks"]


def test_years_are_thinned_with_their_peak_kept(viewer: Client) -> None:
    account = factories.account("x")
    for ago, followers in ((1_200, 10), (700, 99_000), (699, 12), (0, 14)):
        see(account, followers, ago=ago)
    answer = viewer.get(f"/trend/?from={days_ago(1_200)}&to={TODAY}").json()
    assert len(answer["dates"]) == len(answer["series"][0]["values"]) <= POINTS
    assert max(value or 0 for value in answer["series"][0]["values"]) == 99_000


def test_nothing_to_draw_is_no_line(viewer: Client) -> None:
    factories.account("x")
    assert trend(viewer) == []
