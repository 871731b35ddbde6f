"""The sidebar's list: the grid's accounts in the grid's order, by position, with lines that leave gaps as gaps."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.holds import Hold
from accounts.models import Account
from snapshots import sidebar
from snapshots.models import Quality, Snapshot
from tests import factories
from tests.snapshots.worlds import Committed, a_history, days_ago, see

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


def asked(viewer: Client, query: str = "") -> dict[str, Any]:
    """The answer to a query, its rows by the names of their columns."""
    answer: dict[str, Any] = viewer.get(f"/sidebar/?{query}").json()
    answer["rows"] = [dict(zip(sidebar.COLUMNS, row, strict=True)) for row in answer["rows"]]
    return answer


def handles(viewer: Client, query: str = "") -> list[str]:
    return [row["handle"] for row in asked(viewer, query)["rows"]]


@pytest.fixture
def tide(viewer: Client) -> Client:
    """Ten accounts with ties and unknown changes, and two without any figure."""
    offices = [factories.organization(name) for name in ("Beacons", "Buoys")]
    for number in range(12):
        platform = ("x", "youtube")[number % 2]
        account = factories.account(platform, f"station{number:02}", organization=offices[number // 6])
        if number % 6:
            factories.snapshot(account, days_ago(1), 1_000 + number % 3)
        if number % 3:
            factories.snapshot(account, days_ago(31), 900 + number % 4)
    return viewer


@pytest.mark.parametrize(
    ("sort", "column"), [("followers", "-followers"), ("change", "-change_30"), ("name", "handle")]
)
def test_the_list_is_the_grid_in_its_order(tide: Client, sort: str, column: str) -> None:
    grid = tide.get(f"/api/grid?day=latest&sort={column}&fields=handle").json()["data"]
    listed = handles(tide, f"sort={sort}")
    known = [handle for handle in listed if [handle] in grid]
    assert known == [handle for (handle,) in grid]
    assert set(listed) - set(known) == {"station00", "station06"}
    if sort == "followers":
        assert set(listed[-2:]) == {"station00", "station06"}


@pytest.mark.req("A50")
def test_pages_hold_every_account_once_and_say_how_many(tide: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = handles(tide)
    monkeypatch.setattr(sidebar.page_of, "__defaults__", (5,))
    pages = [asked(tide, f"page={page}&q=s") for page in (1, 2, 3, 4)]
    assert [row["handle"] for page in pages for row in page["rows"]] == whole
    assert [page["total"] for page in pages] == [12] * 4
    assert [len(page["rows"]) for page in pages] == [5, 5, 2, 0]


@pytest.mark.parametrize("sort", sidebar.SORTS)
def test_the_first_page_is_not_sorted_out_of_all(tide: Client, sort: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Account.objects.filter(handle="station07").deactivate(None)
    whole = handles(tide, f"sort={sort}")
    monkeypatch.setattr(sidebar, "FEW", 10)
    monkeypatch.setattr(sidebar.page_of, "__defaults__", (5,))
    with CaptureQueriesContext(connection) as captured:
        first, second = (asked(tide, f"sort={sort}&page={page}") for page in (1, 2))
    assert [row["handle"] for page in (first, second) for row in page["rows"]] == whole[:10]
    assert first["total"] == second["total"] == 11
    assert any("LIMIT 5" in query["sql"] for query in captured)


def test_a_search_looks_in_handle_name_platform_and_organisation(viewer: Client) -> None:
    harbour = factories.organization("Harbour Office")
    factories.account("x", "pier7", organization=harbour)
    factories.account("youtube", "tides", display_name="The Pier Channel", organization=factories.organization("Tides"))
    factories.account("facebook", "buoys", organization=factories.organization("Buoys"))
    found = {words: set(handles(viewer, f"q={words}")) for words in ("PIER", "harbour", "youtube", "face", "twitter")}
    assert found == {
        "PIER": {"pier7", "tides"},
        "harbour": {"pier7"},
        "youtube": {"tides"},
        "face": {"buoys"},
        "twitter": {"pier7"},
    }
    assert handles(viewer, "q=pier+youtube") == ["tides"]
    assert asked(viewer, "q=nobody")["total"] == 0


@pytest.mark.parametrize("sort", sidebar.SORTS)
def test_inactive_accounts_are_found_by_a_search_only(viewer: Client, sort: str) -> None:
    a_history("tide")
    a_history("ebb tide", is_active=False)
    assert (handles(viewer, f"sort={sort}"), asked(viewer, f"sort={sort}")["total"]) == (["tide"], 1)
    assert set(handles(viewer, f"sort={sort}&q=tide")) == {"tide", "ebb tide"}
    assert handles(viewer, f"sort={sort}") == ["tide"]


def test_a_line_has_gaps_where_no_figure_counts_and_never_a_zero_for_one(viewer: Client) -> None:
    account = factories.account()
    for ago, followers in ((29, 1_000), (25, None), (20, 1_100), (2, 1_150), (1, 1_190), (0, 1_200)):
        factories.snapshot(account, days_ago(ago), followers)
    Snapshot.objects.create(
        account=account, date=days_ago(10), followers=0, quality=Quality.SUSPECT, source="observed",
        observed_at=Snapshot.objects.first().observed_at,
    )  # fmt: skip
    factories.snapshot(account, days_ago(30), 5)  # before the line begins
    (row,) = asked(viewer)["rows"]
    assert row["line"] == [0, None, None, 10, None, None, None, None, None, 20]
    assert row["state"] == "suspect"


def test_one_figure_makes_no_line_and_a_still_account_a_level_one(viewer: Client) -> None:
    see(factories.account("x", "once"), 100)
    still = factories.account("x", "still")
    for ago in (0, 3):
        see(still, 50, ago=ago)
    lines = {row["handle"]: row["line"] for row in asked(viewer)["rows"]}
    assert lines == {"once": [], "still": [None] * 8 + [10, 10]}


def test_a_row_says_what_matters_most_about_its_account(viewer: Client) -> None:
    a_history("fine")
    a_history("yesterday", ago=1)
    a_history("late", ago=2)
    factories.account(handle="new")
    a_history("held", held=Hold.values[0])
    Account.objects.create(platform="x", handle="off", organization=factories.organization(), is_active=False, held="")
    states = {row["handle"]: row["state"] for row in asked(viewer, "q=x")["rows"]}
    assert states == {
        "fine": "ok", "yesterday": "ok", "late": "late", "new": "none", "held": "held", "off": "inactive",
    }  # fmt: skip
    new = next(row for row in asked(viewer)["rows"] if row["handle"] == "new")
    assert (new["followers"], new["change"], new["line"]) == (None, None, [])


def test_the_change_is_over_the_longest_kept_span_within_the_period(viewer: Client) -> None:
    account = a_history(days=2)
    for ago, followers in ((7, 900), (30, 800), (90, 700)):
        see(account, followers, ago=ago)
    spans = {query: asked(viewer, query) for query in ("", "days=7", "days=365", f"from={days_ago(45)}", "days=junk")}
    told = {query: (answer["days"], answer["rows"][0]["change"]) for query, answer in spans.items()}
    assert told == {
        "": (30, 200), "days=7": (7, 100), "days=365": (90, 300), f"from={days_ago(45)}": (30, 200),
        "days=junk": (30, 200),
    }  # fmt: skip


def test_what_an_address_cannot_mean_is_as_if_it_were_not_there(tide: Client) -> None:
    assert asked(tide, "page=minus&sort=shoes&q=%00") == asked(tide)


def test_a_write_is_seen_by_the_next_reader(viewer: Client, committed: Committed) -> None:
    small, large = a_history("small", first=100), a_history("large", first=1_000)
    assert handles(viewer) == handles(viewer) == ["large", "small"]
    committed(lambda: see(small, 1_050))
    assert handles(viewer) == ["small", "large"]
    committed(lambda: large.rename("huge"))
    assert handles(viewer, "q=hu") == ["huge"]


def test_a_second_asking_for_the_same_sends_nothing_again(tide: Client) -> None:
    first = tide.get("/sidebar/")
    again = tide.get("/sidebar/", headers={"if-none-match": first["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_statements_do_not_grow_with_rows(viewer: Client) -> None:
    counts = []
    for _ in range(2):
        for _ in range(9):
            a_history("")
        viewer.get("/sidebar/?sort=name")  # renews the session
        with CaptureQueriesContext(connection) as captured:
            assert asked(viewer)["rows"]
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 9


def test_only_who_may_see_accounts_has_the_list(client: Client) -> None:
    person = factories.user(password=None)
    person.user_permissions.add(Permission.objects.get(codename="view_snapshot"))
    client.force_login(person)
    assert client.get("/sidebar/").status_code == 403
    page = client.get("/?account=x/cdcgov")
    assert (page.status_code, "sidebar" in page.context, page.context.get("chosen")) == (200, False, None)
