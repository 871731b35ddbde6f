"""The list of accounts beside the API: the same words find the same rows in the same order."""

from __future__ import annotations

import datetime as dt
from itertools import product

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from perf import clock
from snapshots import listing
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

ASKED = [
    *product([""], ["-followers", "followers", "handle", "-org", "change_7", "-observed_at"]),
    *product(["platform=flickr", "organization=Alpha&q=b", "freshness=late", "tag=news"], ["-followers"]),
]


@pytest.fixture
def viewer() -> Client:
    """A viewer's browser, and twelve accounts with ties, unknown figures and three without any."""
    client = Client()
    client.force_login(factories.user("viewer", password=None))
    today, offices = clock.today(), [factories.organization(name) for name in ("beta", "Alpha")]
    for number in range(12):
        odd = number % 2
        account = factories.account(("x", "flickr")[odd], f"{'Ab'[odd]}{number}", organization=offices[odd])
        if number % 4:
            ago = number % 3
            before = None if number == 3 else 100 + number % 5
            factories.snapshot(account, today - dt.timedelta(days=ago + 7), before)
            seen = clock.now() - dt.timedelta(days=ago, minutes=number // 4)
            factories.snapshot(account, today - dt.timedelta(days=ago), 100 + number % 3, observed_at=seen)
    Account.objects.filter(handle__in=["A2", "b5"]).retag(None, add=["news"])
    return client


def listed(viewer: Client, query: str) -> list[Account]:
    """The accounts on the page."""
    found: list[Account] = viewer.get(f"/accounts/?{query}").context["page"].object_list
    return found


@pytest.mark.req("A51")
def test_the_page_lists_the_rows_of_the_api_in_its_order(viewer: Client) -> None:
    for query, sort in ASKED:
        answer = viewer.get(f"/api/grid?day=latest&active=1&fields=handle,followers&sort={sort}&{query}").json()
        shown = [[row.handle, row.followers] for row in listed(viewer, f"sort={sort}&{query}") if row.observed_at]
        assert (query, sort, shown) == (query, sort, answer["data"])
        assert shown


def test_accounts_without_a_figure_come_last_whichever_way_it_is_sorted(viewer: Client) -> None:
    for sort in ("followers", "-followers", "-observed_at"):
        assert {row.handle for row in listed(viewer, f"sort={sort}")[-3:]} == {"A0", "A4", "A8"}


def test_many_organisations_are_asked_for_by_name(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert '<select name="organization"' in viewer.get("/accounts/").content.decode()
    monkeypatch.setattr(listing, "CHOICES_MAX", 1)
    page = viewer.get("/accounts/?organization=Alpha").content.decode()
    assert 'name="organization" value="Alpha" list="organizations"' in page
    assert "<option>beta" not in page


def test_a_search_for_nobody_walks_no_order(viewer: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert listed(viewer, "q=nobody") == []
    assert not [query for query in captured if "LIKE" in query["sql"] and "ORDER BY" in query["sql"]]
