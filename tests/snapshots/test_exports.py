from __future__ import annotations

import csv
import datetime as dt
import tracemalloc
from io import StringIO
from typing import Any

import orjson
import pytest
from django.test import Client

from accounts.models import Account
from perf import clock, events
from snapshots.exports import ROWS_AT_ONCE, as_csv, safe_cell
from snapshots.models import Snapshot
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

TODAY = clock.today()
LAST = ("Likes", "Comments", "Shares")


@pytest.fixture
def viewer() -> Client:
    client = Client()
    client.force_login(factories.user("viewer", password=None))
    return client


def body(client: Client, path: str) -> bytes:
    response: Any = client.get(path)
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def a_day(handle: str = "cdcgov", ago: int = 0, **fields: Any) -> Snapshot:
    account = Account.objects.filter(handle=handle).first()
    account = account or factories.account(handle=handle, organization=factories.organization("CDC"))
    return factories.snapshot(account, TODAY - dt.timedelta(days=ago), **fields)


def test_csv_has_the_columns_people_know(viewer: Client) -> None:
    a_day(followers=1_000, engagements=5, posts=7, likes=2, comments=3)
    rows = list(csv.reader(StringIO(body(viewer, "/api/export.csv").decode())))
    assert rows == [
        [*("Platform", "Handle", "Organization", "Date"), *("Followers", "Engagement Total", "Posts"), *LAST],
        ["x", "cdcgov", "CDC", TODAY.isoformat(), "1000", "5", "7", "2", "3", ""],
    ]


@pytest.mark.parametrize("handle", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_csv_cell_never_runs_as_a_formula(handle: str) -> None:
    assert safe_cell(handle) == f"'{handle}"


def test_numbers_and_plain_texts_stay_as_they_are() -> None:
    assert [safe_cell(value) for value in (-5, None, "cdc=gov")] == [-5, None, "cdc=gov"]


def test_json_is_one_object_with_a_count(viewer: Client) -> None:
    for ago in range(3):
        a_day(ago=ago, following=4)
    found = orjson.loads(body(viewer, "/api/export.json"))
    assert (found["total_records"], len(found["data"])) == (3, 3)
    assert found["export_date"].startswith(str(clock.now().year))
    assert (found["data"][0]["followers_count"], found["data"][0]["following_count"]) == (1_000, 4)


def test_json_of_nothing_is_valid(viewer: Client) -> None:
    assert orjson.loads(body(viewer, "/api/export.json"))["data"] == []
    assert body(viewer, "/api/export.ndjson") == b""


def test_ndjson_is_one_object_a_line(viewer: Client) -> None:
    a_day(ago=1)
    a_day()
    lines = body(viewer, "/api/export.ndjson").splitlines()
    assert [orjson.loads(line)["date"] for line in lines] == [
        TODAY.isoformat(),
        (TODAY - dt.timedelta(days=1)).isoformat(),
    ]


def test_export_holds_published_figures_of_the_asked_accounts_and_days(viewer: Client) -> None:
    for ago in range(4):
        a_day(ago=ago, followers=ago)
    a_day("other", followers=99)
    a_day(ago=-1, followers=5, quality="suspect")
    since, until = TODAY - dt.timedelta(days=2), TODAY - dt.timedelta(days=1)
    lines = body(viewer, f"/api/export.csv?q=cdc&from={since}&to={until}").decode().splitlines()
    assert [line.split(",")[4] for line in lines[1:]] == ["1", "2"]


def test_export_is_a_download_and_audited(viewer: Client) -> None:
    told = []

    def listen(**event: Any) -> None:
        told.append((event["action"], event["target"], event["detail"]))

    events.event.connect(listen)
    try:
        response = viewer.get("/api/export.csv?platform=twitter")
    finally:
        events.event.disconnect(listen)
    assert response["Content-Disposition"] == f'attachment; filename="tidemark-figures-{TODAY}.csv"'
    assert told == [("snapshots.export", "csv", {"platform": "x"})]


@pytest.mark.req("A40")
def test_export_is_streamed_with_flat_memory() -> None:
    accounts = [factories.account(handle=f"h{n}") for n in range(10)]
    days = 2_000
    Snapshot._base_manager.bulk_create(
        Snapshot(account=account, date=TODAY - dt.timedelta(days=ago), observed_at=clock.now(), source="observed")
        for account in accounts
        for ago in range(days)
    )
    tracemalloc.start()
    pieces = sum(1 for _ in as_csv(Snapshot.objects.order_by("-date", "-account_id")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pieces == 1 + len(accounts) * days // ROWS_AT_ONCE
    assert peak < 2_500_000
