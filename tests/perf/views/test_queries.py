"""The pages of findings, queries and indexes, and the same as JSON: administrators alone, and never a value."""

from __future__ import annotations

import html

import pytest
from django.db import connection
from django.test import Client

from perf.findings import indexes, watching
from perf.findings.catalogue import CATALOGUE
from perf.flushing import flush
from perf.models import QueryPlan
from perf.places import Place
from perf.statements import statement
from perf.traces import QueryCall, Trace
from project.models import AuditEntry
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

SQL = (
    'SELECT "workitems_workitem"."id" FROM "workitems_workitem" '
    'WHERE "workitems_workitem"."detail" = %s AND detail <> \'Captain Nemo\''
)
WRITE = 'INSERT INTO "workitems_comment" ("text") VALUES (%s)'


@pytest.fixture
def admin(client: Client) -> Client:
    CATALOGUE.forget()
    client.force_login(factories.user("admin"))
    return client


@pytest.fixture
def digest(admin: Client, monkeypatch: pytest.MonkeyPatch) -> str:
    """A slow query that was recorded, and one that a line repeats; no table is too small for an index."""
    monkeypatch.setattr(indexes, "ROWS_MIN", 0)
    slow = [QueryCall(SQL, 0.0, 1.7, Place("workitems/views.py", 41, "dashboard"))]
    again = [QueryCall(WRITE, 0.0, 0.001, Place("workitems/photos.py", 12, "add"))] * 25
    watching.observe(Trace("workitems:dashboard", queries=slow + again, count=26), 1.9)
    flush()
    return statement(SQL).digest


@pytest.mark.req("A32")
def test_a_slow_query_is_listed_with_its_figures_its_line_and_its_mend(digest: str, admin: Client) -> None:
    page = html.unescape(admin.get("/performance/queries/").content.decode())
    assert 'FROM "workitems_workitem" WHERE "workitems_workitem"."detail" = ?' in page
    for words in ("workitems:dashboard", "workitems/views.py:41", "1.7\N{NO-BREAK SPACE}s", "Write all rows at once"):
        assert words in page
    assert 'Add Index(fields=["detail"]) to WorkItem (workitems/models/items.py:' in page
    (slow,) = admin.get("/api/performance/queries").json()["slow"]
    assert (slow["query"], slow["count"], slow["place"]) == (digest, 1, "workitems/views.py:41")
    assert slow["p95_seconds"] == pytest.approx(1.7, rel=0.02)
    (again,) = admin.get("/api/performance/queries").json()["repeated"]
    assert (again["times_max"], again["advice"]) == (25, "write all rows at once with bulk_create()")


@pytest.mark.req("A32")
def test_slow_queries_are_listed_by_the_time_they_took_in_all(digest: str, admin: Client) -> None:
    """Two runs of one second stand before one of 1.7."""
    for route, seconds, times in (("snapshots:overview", 1.0, 2), ("accounts:list", 0.11, 1)):
        call = QueryCall(WRITE, 0.0, seconds, Place("a.py", 7, "page"))
        for _ in range(times):
            watching.observe(Trace(route, queries=[call], count=1), seconds)
    flush()
    listed = admin.get("/api/performance/queries").json()["slow"]
    assert [(one["route"], one["count"]) for one in listed] == [
        ("snapshots:overview", 2), ("workitems:dashboard", 1), ("accounts:list", 1),
    ]  # fmt: skip
    page = admin.get("/performance/queries/").content.decode().partition("Repeated queries")[0]
    places = [page.index(f"{route} ·") for route in ("snapshots:overview", "workitems:dashboard", "accounts:list")]
    assert places == sorted(places)


def test_findings_say_the_same_on_the_page_and_as_json(digest: str, admin: Client) -> None:
    page = html.unescape(admin.get("/performance/findings/").content.decode())
    told = admin.get("/api/performance/findings").json()["data"]
    assert {"slow", "repeated", "index"} <= {one["kind"] for one in told}
    assert [one["sentence"] for one in told if one["sentence"] not in page] == []
    weights = [one["weight"] for one in told]
    assert weights == sorted(weights, reverse=True)


def test_a_plan_is_asked_for_kept_and_compared_and_the_asking_is_audited(digest: str, admin: Client) -> None:
    address = f"/performance/queries/{digest}/"
    assert "No plan yet." in admin.get(address).content.decode()
    for _ in range(2):
        page = html.unescape(admin.post(f"{address}explain/", follow=True).content.decode())
    assert QueryPlan.objects.count() == 2
    assert "The same steps as on" in page
    assert "workitem" in page.partition("The same steps as on")[2]
    assert "Nemo" not in page
    assert (
        list(AuditEntry.objects.filter(action="perf.explain").values_list("action", "target"))
        == [("perf.explain", digest)] * 2
    )


def test_a_query_that_cannot_be_planned_has_no_button_and_says_why(digest: str, admin: Client) -> None:
    address = f"/performance/queries/{statement(WRITE).digest}/"
    page = admin.get(address).content.decode()
    assert "only a single SELECT" in page
    assert '<button type="submit">Ask for the plan' not in page
    refused = admin.post(f"{address}explain/", follow=True).content.decode()
    assert "Only a single SELECT that was kept whole can be planned." in refused
    assert not QueryPlan.objects.exists()


def test_looking_asks_for_no_plan(digest: str, admin: Client) -> None:
    assert admin.get(f"/performance/queries/{digest}/explain/").status_code == 405
    assert not QueryPlan.objects.exists()


def test_an_unknown_query_is_not_found(admin: Client) -> None:
    assert admin.get("/performance/queries/" + "0" * 32 + "/").status_code == 404
    assert admin.get("/performance/queries/%00/").status_code == 404


def test_empty_pages_say_what_will_appear(admin: Client) -> None:
    assert "Nothing to mend in this period" in admin.get("/performance/findings/").content.decode()
    queries = admin.get("/performance/queries/").content.decode()
    assert "No slow query in this period" in queries
    assert "No line repeats a query in this period" in queries
    indexes = admin.get("/performance/indexes/").content.decode()
    assert ("keeps no statistics of use" in indexes) == (connection.vendor == "sqlite")


def test_indexes_are_the_same_on_the_page_and_as_json(digest: str, admin: Client) -> None:
    found = admin.get("/api/performance/indexes").json()
    assert [one["columns"] for one in found["data"] if one["table"] == "workitems_workitem"] == [["detail"]]
    page = html.unescape(admin.get("/performance/indexes/").content.decode())
    assert [one for one in found["data"] if one["sentence"] not in page] == []
