from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import orjson
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from perf import cache, clock
from perf.clock import shifted
from perf.pagination import PAGE_MAX
from snapshots.judging import judge
from snapshots.models import LatestSnapshot, Snapshot
from snapshots.recording import Sighting, record
from tests import factories
from tests.snapshots.worlds import TODAY, Committed, a_history, days_ago

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

TABLES = ("snapshots_", "accounts_")


def data_queries(client: Client, path: str) -> int:
    """How many statements on figures or accounts one request makes."""
    with CaptureQueriesContext(connection) as captured:
        response = client.get(path)
        assert (response.status_code, len(b"".join(response))) > (199, 0)
    return sum(any(table in query["sql"] for table in TABLES) for query in captured)


# --- Grid


@pytest.mark.req("A34")
def test_grid_is_paged_newest_first(viewer: Client) -> None:
    one, two = a_history("one"), a_history("two")
    page = viewer.get("/api/grid?per_page=4").json()
    assert page["columns"] == [
        *("platform", "handle", "org", "date", "followers"),
        *("engagement", "posts", "likes", "comments", "shares"),
    ]
    assert page["data"][0] == ["x", "two", two.organization.name, TODAY.isoformat(), 1_000, 5, 5, 3, 2, None]
    assert [row[1] for row in page["data"]] == ["two", "one", "two", "one"]
    assert (page["total"], page["page"], page["per_page"], page["pages"]) == (6, 1, 4, 2)
    assert one.pk < two.pk


@pytest.mark.req("A34", "A85")
@pytest.mark.parametrize(
    ("query", "page", "per_page", "rows"),
    [
        ("", 1, 50, 6),
        ("page=0", 1, 50, 6),
        ("page=junk&per_page=junk", 1, 50, 6),
        ("per_page=99999", 1, 1_000, 6),
        ("page=2&per_page=4", 2, 4, 2),
        ("page=3&per_page=4", 3, 4, 0),
        ("page=99999999999999999999&per_page=4", PAGE_MAX, 4, 0),
    ],
)
def test_grid_takes_any_page(viewer: Client, query: str, page: int, per_page: int, rows: int) -> None:
    a_history("one", 6)
    answer = viewer.get(f"/api/grid?{query}").json()
    assert (answer["page"], answer["per_page"], len(answer["data"])) == (page, per_page, rows)


def test_grid_pages_join_without_gap_or_overlap(viewer: Client) -> None:
    for name in ("one", "two", "three"):
        a_history(name, 5)
    by_number, by_cursor, after = [], [], ""
    for page in range(1, 5):
        by_number += viewer.get(f"/api/grid?per_page=4&page={page}").json()["data"]
        answer = viewer.get("/api/grid", {"per_page": 4, "page": page, "after": after}).json()
        by_cursor += answer["data"]
        after = answer.get("next", "")
    assert by_number == by_cursor == viewer.get("/api/grid").json()["data"]
    assert len(by_number) == 15
    assert after == ""


def test_grid_of_latest_days_has_one_row_per_account(viewer: Client) -> None:
    a_history("one", first=100)
    a_history("two", first=900)
    factories.snapshot(factories.account(handle="none"), followers=None)
    answer = viewer.get("/api/grid?day=latest&sort=-followers&fields=handle,followers,change_1").json()
    assert answer["data"] == [["two", 900, 10], ["one", 100, 10], ["none", None, None]]
    assert answer["total"] == 3


def test_grid_of_one_day_sorts_by_any_metric(viewer: Client) -> None:
    a_history("one", first=100)
    a_history("two", first=900)
    answer = viewer.get(f"/api/grid?day={days_ago(2)}&sort=followers&fields=handle,followers").json()
    assert answer["data"] == [["one", 80], ["two", 880]]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sort=followers", "single day"),
        ("day=latest&sort=secret", "secret"),
        ("day=latest&sort=followers,likes", "followers,likes"),
        ("day=latest&sort=,", "sorting is by one of"),
        ("day=latest&sort=%20followers", "sorting is by one of"),
        ("day=tomorrow", "YYYY-MM-DD"),
        ("platform=myspace", "myspace"),
        ("fields=change_1", "change_1"),
        (f"day={TODAY}&sort=change_7", "day=latest"),
    ],
)
def test_grid_refuses_what_it_cannot_answer(viewer: Client, query: str, said: str) -> None:
    response = viewer.get(f"/api/grid?{query}")
    assert response.status_code == 400
    assert said in response.json()["error"]


@pytest.mark.req("A42")
def test_grid_gives_only_the_fields_asked_for(viewer: Client) -> None:
    a_history("one", 1)
    assert viewer.get("/api/grid?fields=handle,followers").json()["data"] == [["one", 1_000]]
    refused = viewer.get("/api/grid?fields=handle,password")
    assert "Value error" not in refused.json()["error"]  # the library's word, not ours
    assert (refused.status_code, "password" in refused.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("query", "handles"),
    [
        ("platform=youtube", {"tube"}),
        ("platform=YT", {"tube"}),
        ("organization=CDC", {"core"}),
        ("core=true", {"core"}),
        ("active=false", {"off"}),
        ("q=co", {"core"}),
        ("q=nothing", set()),
    ],
)
def test_grid_filters_by_account(viewer: Client, query: str, handles: set[str]) -> None:
    factories.snapshot(factories.account("youtube", "tube"))
    factories.snapshot(factories.account(handle="core", is_core=True, organization=factories.organization("CDC")))
    factories.snapshot(factories.account(handle="off", is_active=False))
    answer = viewer.get(f"/api/grid?{query}").json()
    assert {row[1] for row in answer["data"]} == handles
    assert answer["total"] == len(handles)


def test_grid_shows_published_figures_only(viewer: Client) -> None:
    account = a_history("one", 1)
    factories.snapshot(account, days_ago(-1), 9, quality="suspect")
    answer = viewer.get("/api/grid").json()
    assert (len(answer["data"]), answer["total"]) == (1, 1)


@pytest.mark.req("A45")
def test_grid_of_hundred_rows_is_small(viewer: Client) -> None:
    for n in range(10):
        a_history(f"handle{n}", 10, organization=factories.organization("Centers for Disease Control"))
    body = viewer.get("/api/grid?per_page=100").content
    assert b": " not in body
    assert len(body) < 100 * 95


@pytest.mark.req("A43")
@pytest.mark.parametrize("path", ["/api/summary", "/api/grid", "/api/grid?day=latest", "/api/history/x/one"])
def test_figures_become_json_without_model_objects(viewer: Client, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    a_history("one", 3)
    made: list[str] = []
    for model in (Snapshot, LatestSnapshot):
        monkeypatch.setattr(model, "__init__", lambda self, *args, **fields: made.append(type(self).__name__))
    assert b"1000" in viewer.get(path).content
    assert made == []


@pytest.mark.req("A44")
def test_dates_are_iso(viewer: Client) -> None:
    a_history("one", 1)
    assert viewer.get("/api/grid?fields=date").json()["data"] == [[TODAY.strftime("%Y-%m-%d")]]


# --- The cache


@pytest.mark.parametrize(
    ("path", "seconds", "root"),
    [
        pytest.param("/api/summary", 300, "summary:latest", marks=pytest.mark.req("A5", "A13")),
        pytest.param("/api/history/x/CDCgov", 600, "history:x:cdcgov", marks=pytest.mark.req("A6", "A14")),
        pytest.param("/api/grid", 300, "grid:all", marks=pytest.mark.req("A7", "A16")),
    ],
)
def test_second_read_asks_the_database_for_no_figures(
    viewer: Client, committed: Committed, path: str, seconds: int, root: str
) -> None:
    committed(a_history)
    cold = viewer.get(path)
    assert cold["X-Cache"] == "MISS"
    assert data_queries(viewer, path) == 0
    warm = viewer.get(path)
    assert (warm["X-Cache"], warm.content) == ("HIT", cold.content)
    assert cache.stored(root)[root] in range(seconds - 5, seconds + 1)
    with shifted(dt.timedelta(seconds=seconds + 1)):
        assert viewer.get(path)["X-Cache"] != "HIT"


@pytest.mark.req("A6")
def test_histories_of_two_accounts_differ_and_cases_share_one_entry(viewer: Client, committed: Committed) -> None:
    committed(lambda: [a_history("one", first=100), a_history("two", first=900)])
    assert viewer.get("/api/history/x/one").json()["followers"] != viewer.get("/api/history/x/two").json()["followers"]
    assert viewer.get("/api/history/X/ONE")["X-Cache"] == "HIT"
    assert viewer.get("/api/history/twitter/One")["X-Cache"] == "HIT"


@pytest.mark.req("A7")
def test_warm_pages_differ_and_parameters_are_part_of_the_key(viewer: Client, committed: Committed) -> None:
    committed(lambda: a_history("one", 6))
    paths = [f"/api/grid?{query}" for query in ("per_page=2", "per_page=2&page=2", "per_page=3", "day=latest")]
    cold = [viewer.get(path).content for path in paths]
    warm = [viewer.get(path) for path in paths]
    assert [response["X-Cache"] for response in warm] == ["HIT"] * 4
    assert [response.content for response in warm] == cold
    assert len(set(cold)) == 4


READS = ("/api/summary", "/api/grid", "/api/history/x/one", "/api/history/x/two")


def new_day(account: Account) -> Snapshot:
    return Snapshot(account=account, date=days_ago(-1), observed_at=clock.now(), source="observed", followers=1_005)


@pytest.mark.req("A9")
@pytest.mark.parametrize(
    "write",
    [
        lambda account: new_day(account).save(),
        lambda account: Snapshot.objects.bulk_create([new_day(account)]),
        lambda account: record([Sighting(account.pk, days_ago(-1), clock.now(), "observed", 1_005)]),
        lambda account: Snapshot.objects.filter(account=account, date=TODAY).update(followers=1_005),
        lambda account: Snapshot.objects.filter(account=account, date=TODAY).delete(),
        lambda account: Snapshot.objects.get(account=account, date=TODAY).delete(),
        lambda account: judge(Snapshot.objects.get(account=account, date=TODAY), accept=False, by=None),
    ],
    ids=["save", "bulk_create", "record", "update", "delete-rows", "delete-row", "judge"],
)
def test_every_write_of_figures_makes_its_reads_fresh(
    viewer: Client, committed: Committed, write: Callable[[Account], object]
) -> None:
    one, _ = committed(lambda: [a_history("one"), a_history("two")])
    before = [viewer.get(path).content for path in READS]
    assert [viewer.get(path)["X-Cache"] for path in READS] == ["HIT"] * 4
    committed(lambda: write(one))
    after = [viewer.get(path) for path in READS]
    assert [answer["X-Cache"] for answer in after] == ["MISS", "MISS", "MISS", "HIT"]
    assert [answer.content != was for answer, was in zip(after, before, strict=True)] == [True, True, True, False]


@pytest.mark.req("A10")
@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda account: account.rename("uno"), 301),
        (lambda account: Account.objects.filter(pk=account.pk).deactivate(None), 200),
        (lambda account: Account.objects.filter(pk=account.pk).move_to(factories.organization("Elsewhere")), 200),
        (lambda account: account.delete(), 404),
    ],
    ids=["rename", "deactivate", "move", "delete"],
)
def test_every_change_of_an_account_makes_its_reads_fresh(
    viewer: Client, committed: Committed, change: Callable[[Account], object], status: int
) -> None:
    one, _ = committed(lambda: [a_history("one"), a_history("two")])
    before = [viewer.get(path).content for path in READS[:2]]
    viewer.get(READS[2])
    committed(lambda: change(one))
    summary, grid, history = (viewer.get(path) for path in READS[:3])
    assert [summary["X-Cache"], grid["X-Cache"]] == ["MISS", "MISS"]
    assert summary.content != before[0]
    assert (history.status_code, history.get("X-Cache", "MISS")) == (status, "MISS")


# --- Queries and rights


QUERIES = {
    "/api/summary": 1,
    "/api/summary?page=1&per_page=1000": 3,  # with the count; those without followers come last, by a scan of their own
    "/api/summary?group=organization": 2,  # the newest day first
    "/api/grid?per_page=1000": 2,
    "/api/grid?day=latest&sort=-followers&per_page=1000": 3,
    f"/api/grid?day={TODAY}&per_page=1000": 2,
    "/api/history/x/h0": 2,
    "/api/export.csv": 2,  # with how many rows there are at most, which may be too many to stream
    "/api/export.json": 2,
}


@pytest.mark.req("A25")
def test_a_row_gets_its_account_and_organisation_by_one_join_each(viewer: Client) -> None:
    a_history("one")
    with CaptureQueriesContext(connection) as captured:
        viewer.get("/api/grid")
    (rows,) = [query["sql"] for query in captured if 'FROM "snapshots_snapshot"' in query["sql"]]
    assert (rows.count('JOIN "accounts_account"'), rows.count('JOIN "accounts_organization"')) == (1, 1)
    assert rows.count("SELECT") == 1


@pytest.mark.req("A23", "A24")
def test_number_of_queries_does_not_grow_with_rows(viewer: Client) -> None:
    a_history("h0", 10)
    assert {path: data_queries(viewer, path) for path in QUERIES} == QUERIES
    accounts = [factories.account(handle=f"more{n}") for n in range(20)]
    now = clock.now()
    record(Sighting(one.pk, days_ago(ago), now, "observed", 9) for one in accounts for ago in range(10))
    cache.clear()
    assert {path: data_queries(viewer, path) for path in QUERIES} == QUERIES


@pytest.mark.parametrize("path", ["/api/summary", "/api/grid", "/api/history/x/one", "/api/export.csv"])
def test_figures_are_for_those_who_may_see_them(path: str) -> None:
    a_history("one")
    assert Client().get(path).status_code == 401
    crew = Client()
    crew.force_login(factories.user("crew", password=None))
    assert crew.get(path).status_code == 403


def test_answers_are_valid_and_documented(viewer: Client) -> None:
    a_history("one")
    assert orjson.loads(viewer.get("/api/grid").content)["total"] == 3
    paths = viewer.get("/api/openapi.json").json()["paths"]
    assert {"/api/summary", "/api/grid", "/api/history/{platform}/{handle}", "/api/export.csv"} <= paths.keys()
