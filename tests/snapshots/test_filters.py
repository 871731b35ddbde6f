"""One vocabulary of filters: what it lets through, and what it does to cached answers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from perf import cache, clock
from perf.clock import shifted
from snapshots.filters import FigureFilters
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

ONE_DAY = dt.timedelta(days=1)


@pytest.fixture
def viewer(django_capture_on_commit_callbacks: Any) -> Client:
    """A viewer's browser, and an account of each freshness, committed."""
    client = Client()
    with django_capture_on_commit_callbacks(execute=True):
        client.force_login(factories.user("viewer", password=None))
        for handle, days in (("today", 0), ("yesterday", 1), ("before", 2)):
            account = factories.account(handle=handle)
            factories.snapshot(account, clock.today() - days * ONE_DAY)
            factories.snapshot(account, clock.today() - 9 * ONE_DAY)
        factories.account(handle="never")
        factories.snapshot(factories.account(handle="doubted"), quality="suspect")
    return client


FRESHNESS = [
    ("fresh", ["today", "yesterday"]),
    ("late", ["before"]),
    ("none", []),
    ("", ["before", "today", "yesterday"]),
]


@pytest.mark.parametrize(("freshness", "handles"), FRESHNESS)
def test_figures_are_of_accounts_as_fresh_as_asked(viewer: Client, freshness: str, handles: list[str]) -> None:
    for day in ("latest", "all"):
        answer = viewer.get("/api/grid", {"day": day, "freshness": freshness, "fields": "handle"}).json()
        assert (day, sorted({row[0] for row in answer["data"]})) == (day, handles)
        assert answer["total"] == len(answer["data"]) == len(handles) * (2 if day == "all" else 1)
    assert sorted(row["handle"] for row in viewer.get(f"/api/summary?freshness={freshness}").json()) == handles


def test_accounts_without_a_published_figure_are_found(viewer: Client) -> None:
    missing = FigureFilters(freshness="none").accounts(Account.objects.order_by("handle"))
    assert [account.handle for account in missing] == ["doubted", "never"]


def test_figures_are_of_accounts_with_all_the_tags(viewer: Client) -> None:
    for handle, tags in (("today", ["News", "Daily"]), ("before", ["news"])):
        Account.objects.filter(handle=handle).retag(None, add=tags)
    for query, handles in (("tag=NEWS", {"today", "before"}), ("tag=news&tag=daily", {"today"}), ("tag=else", set())):
        for day in ("latest", "all"):
            answer = viewer.get(f"/api/grid?day={day}&{query}&fields=handle").json()
            assert {row[0] for row in answer["data"]} == handles


def test_a_freshness_there_is_not_is_refused(viewer: Client) -> None:
    response = viewer.get("/api/grid?freshness=stale")
    assert (response.status_code, "fresh" in response.json()["error"]) == (400, True)


def test_what_is_fresh_is_asked_anew_each_day(viewer: Client) -> None:
    path = "/api/grid?day=latest&freshness=fresh"
    assert viewer.get(path).json()["total"] == 2
    assert viewer.get(path)["X-Cache"] == "HIT"
    (kept,) = cache.stored("grid:all")
    assert clock.today().isoformat() in kept
    with shifted(ONE_DAY):
        tomorrow = viewer.get(path)
    assert (tomorrow["X-Cache"], tomorrow.json()["total"]) == ("MISS", 1)
