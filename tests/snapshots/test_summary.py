"""The present state: accounts, and their sums."""

from __future__ import annotations

import datetime as dt
from importlib import import_module

import orjson
import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from perf.clock import shifted
from snapshots import overview, summary
from snapshots.models import LatestSnapshot, Snapshot
from tests import factories
from tests.snapshots.worlds import TODAY, Committed, a_history, days_ago

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


def test_summary_is_one_object_per_account_from_its_latest_figures(viewer: Client) -> None:
    account = a_history(organization=factories.organization("CDC"))
    factories.account(handle="neverseen")
    assert viewer.get("/api/summary").json() == [
        {
            "platform": "x",
            "handle": "cdcgov",
            "org_name": "CDC",
            "followers": 1_000,
            "engagement": 5,
            "posts": 5,
            "date": TODAY.isoformat(),
            "observed_at": Snapshot.objects.filter(account=account).latest("date").observed_at.isoformat(),
            "source": "observed",
            "rounded": False,
            "change_1": 10,
            "change_7": None,
            "change_30": None,
            "change_90": None,
        }
    ]


def test_summary_keeps_accounts_that_missed_the_newest_day(viewer: Client) -> None:
    a_history("fresh")
    factories.snapshot(factories.account(handle="late"), days_ago(9), 50)
    assert [row["handle"] for row in viewer.get("/api/summary").json()] == ["fresh", "late"]


def test_summary_leaves_inactive_accounts_out(viewer: Client) -> None:
    a_history("gone", is_active=False)
    assert viewer.get("/api/summary").json() == []
    assert len(viewer.get("/api/summary?active=false").json()) == 1


def test_an_empty_active_means_all_accounts_and_is_kept_apart(viewer: Client) -> None:
    a_history("here")
    a_history("gone", is_active=False)
    for _ in range(2):
        found = [len(viewer.get(f"/api/summary{query}").json()) for query in ("", "?active=", "?active=false")]
        assert found == [1, 2, 1]
    assert viewer.get("/api/coverage?active=").json()["accounts"] == 2


@pytest.mark.req("A35")
def test_summary_with_page_is_an_envelope(viewer: Client) -> None:
    for n in range(3):
        factories.snapshot(followers=n)
    page = viewer.get("/api/summary?page=2&per_page=2").json()
    assert [row["followers"] for row in page.pop("data")] == [0]
    assert page == {"total": 3, "page": 2, "per_page": 2, "pages": 2}


def test_the_complete_list_is_the_same_however_many_rows_are_read_at_once(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in (*range(4), None):
        factories.snapshot(followers=n)
    monkeypatch.setattr(summary, "ROWS_AT_ONCE", 2)
    in_parts = orjson.loads(summary.summary_list(summary.SummaryFilters(), factories.user("viewer")))
    assert [row["followers"] for row in in_parts] == [3, 2, 1, 0, None]
    assert viewer.get("/api/summary").json() == in_parts


def test_summary_of_nothing_is_empty(viewer: Client) -> None:
    assert viewer.get("/api/summary").json() == viewer.get("/api/summary?group=platform").json() == []
    (total,) = viewer.get("/api/summary?group=total").json()
    assert (total["accounts"], total["followers"], total["oldest"], total["newest"]) == (0, None, None, str(TODAY))


def test_sums_know_what_their_changes_compare(viewer: Client) -> None:
    office = factories.organization("Office")
    a_history("one", organization=office, first=1_000)
    a_history("two", organization=office, first=500, days=1)
    factories.snapshot(factories.account("youtube", "hidden", organization=office), followers=None)
    (total,) = viewer.get("/api/summary?group=total").json()
    assert (total["followers"], total["accounts"], total["counted"]) == (1_500, 3, 2)
    assert (total["change_1"], total["base_1"], total["compared_1"]) == (10, 990, 1)
    assert (total["change_90"], total["base_90"], total["compared_90"]) == (None, None, 0)
    platforms = viewer.get("/api/summary?group=platform").json()
    assert [(row["platform"], row["followers"]) for row in platforms] == [("x", 1_500), ("youtube", None)]
    assert [row["org_name"] for row in viewer.get("/api/summary?group=organization").json()] == ["Office"]


@pytest.mark.parametrize("back", [1, 7, 30, 90])
def test_a_change_is_over_accounts_seen_at_both_ends(viewer: Client, back: int) -> None:
    for handle, now, then in (("both", 0, 100), ("yesterday", 1, 40), ("gone", 5, 7_000)):
        account = factories.account(handle=handle)
        factories.snapshot(account, days_ago(now + back), then)
        factories.snapshot(account, days_ago(now), then + 10)
    factories.snapshot(factories.account(handle="new"), TODAY, 5_000)
    (total,) = viewer.get("/api/summary?group=total").json()
    assert [total[f"{name}_{back}"] for name in ("change", "base", "compared")] == [20, 140, 2]


def test_sums_say_how_fresh_their_figures_are(viewer: Client) -> None:
    for ago in (0, 0, 1, 2, 40):
        factories.snapshot(date=days_ago(ago))
    factories.snapshot(quality="suspect")
    factories.account()
    (total,) = viewer.get("/api/summary?group=total").json()
    names = ("accounts", "newest", "covered", "today", "fresh", "late", "none")
    assert [total[name] for name in names] == [7, str(TODAY), 2, 2, 3, 2, 2]


def test_who_is_fresh_is_asked_anew_the_next_day(viewer: Client, committed: Committed) -> None:
    committed(lambda: factories.snapshot(date=days_ago(1)))
    assert viewer.get("/api/summary?group=total").json()[0]["fresh"] == 1
    with shifted(dt.timedelta(days=1)):
        assert viewer.get("/api/summary?group=total").json()[0]["fresh"] == 0


def test_the_overview_and_the_summary_add_up_the_same(viewer: Client) -> None:
    a_history("one")
    factories.snapshot(factories.account("youtube", "hidden"), followers=None)
    (total,) = viewer.get("/api/summary?group=total").json()
    shown = overview.present().total
    told = [total[name] for name in ("accounts", "counted", "today", "fresh", "late", "none", "followers", "rounded")]
    assert [shown.accounts, shown.covered, shown.today, shown.fresh, shown.late, shown.unseen] == told[:6]
    assert [shown.followers, shown.rounded] == told[6:]


def test_the_migration_fills_the_change_over_ninety_days() -> None:
    grown, new, unsaid = factories.account(), factories.account(), factories.account()
    for account, then, now in ((grown, 100, 130), (unsaid, None, 5), (new, 7, 8)):
        factories.snapshot(account, days_ago(90 if account != new else 89), then)
        factories.snapshot(account, TODAY, now)
    LatestSnapshot.objects.update(change_90=None)
    import_module("snapshots.migrations.0008_fill_change_over_ninety_days").fill(apps, connection.schema_editor())
    changes = dict(LatestSnapshot.objects.values_list("account", "change_90"))
    assert changes == {grown.pk: 30, new.pk: None, unsaid.pk: None}
