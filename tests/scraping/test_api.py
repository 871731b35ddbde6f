"""/api/scrapes: ask, watch, steer; permissions and audit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from perf import clock
from project.models import AuditEntry
from scraping import ledger, pauses, settling
from scraping.connectors.base import Missing
from scraping.models import JobState, Rank, ScrapeJob, ScrapeRun
from scraping.results import Result, Try
from tests.factories import account, user

URL = "/api/scrapes"


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(user(role))
    return client


@pytest.fixture
def editor(db: None) -> Client:
    return signed_in("editor")


def post(client: Client, url: str = URL, **body: Any) -> Any:
    return client.post(url, body, content_type="application/json")


def requested(*accounts: Account, by: Any = None) -> ScrapeRun:
    return ledger.request_scrape(Account.objects.filter(pk__in=[one.pk for one in accounts]), by)


def test_asking_promises_a_run_and_is_audited(editor: Client) -> None:
    account("x"), account("flickr")
    answer = post(editor, scope="all")
    assert answer.status_code == 202
    assert (answer.json()["total"], answer.json()["state"]) == (2, "running")
    assert set(ScrapeJob.objects.values_list("rank", flat=True)) == {Rank.REQUESTED}
    entry = AuditEntry.objects.get(action="scraping.request")
    assert entry.target == f"run {answer.json()['id']}"


def test_a_part_can_be_asked_for(editor: Client) -> None:
    one, _ = account("x", "CDCgov"), account("flickr", "nasa")
    assert post(editor, scope="platform", platform="flickr").json()["total"] == 1
    assert post(editor, scope="accounts", accounts=["twitter/cdcGOV"]).json()["total"] == 1
    assert ScrapeJob.objects.filter(account=one).exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"scope": "platform", "platform": "myspace"}, "no platform 'myspace'"),
        ({"scope": "accounts", "accounts": ["x/nobody", "nonsense"]}, "no account x/nobody, nonsense"),
        ({"scope": "everything"}, "scope"),
        ({"scope": "all"}, "no active account"),
    ],
)
def test_what_cannot_be_scraped_is_named(editor: Client, body: dict[str, Any], said: str) -> None:
    answer = post(editor, **body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert not ScrapeRun.objects.exists()


def test_a_viewer_may_watch_and_not_ask(db: None) -> None:
    run = requested(account())
    viewer = signed_in("viewer")
    assert viewer.get(f"{URL}/{run.pk}").status_code == 200
    assert post(viewer, scope="all").status_code == 403
    assert post(viewer, f"{URL}/{run.pk}/cancel").status_code == 403
    assert signed_in("crew").get(URL).status_code == 403
    assert Client().get(URL).status_code == 401


@pytest.mark.req("A55")
def test_a_run_tells_how_far_it_is_what_waits_and_what_failed(editor: Client) -> None:
    run = requested(account("x"), account("x"), account("flickr"))
    lost, _ = ledger.claim("x", 2)
    settling.settle([Result(lost, Missing.NOT_FOUND, [Try("read", clock.now(), 0.1, Missing.NOT_FOUND)])])
    until = clock.now() + timedelta(hours=1)
    pauses.pause("flickr", until, "quota")
    seen = editor.get(f"{URL}/{run.pk}").json()
    assert (seen["done"], seen["total"], seen["percent"]) == (1, 3, 33)
    assert seen["per_minute"] > 0
    assert seen["eta_seconds"] >= 0
    [waiting] = seen["waiting"]
    assert (waiting["platform"], waiting["reason"], waiting["jobs"]) == ("flickr", "quota", 1)
    assert abs(datetime.fromisoformat(waiting["until"]) - until) < timedelta(seconds=1)
    assert seen["failures"] == [{"platform": "x", "reason": "not_found", "label": "No such profile", "jobs": 1}]


@pytest.mark.req("A55")
def test_a_run_can_be_paused_resumed_and_cancelled(editor: Client) -> None:
    run = requested(account())
    assert post(editor, f"{URL}/{run.pk}/pause").json()["state"] == "paused"
    assert post(editor, f"{URL}/{run.pk}/pause").status_code == 409
    assert ledger.claim("x", 1) == []
    assert post(editor, f"{URL}/{run.pk}/resume").json()["state"] == "running"
    cancelled = post(editor, f"{URL}/{run.pk}/cancel").json()
    assert (cancelled["state"], cancelled["percent"]) == ("cancelled", 100)
    assert ScrapeJob.objects.get().state == JobState.CANCELLED
    assert post(editor, f"{URL}/{run.pk}/cancel").json()["error"] == "This run is cancelled."
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True))[-3:] == [
        "scraping.pause",
        "scraping.resume",
        "scraping.cancel",
    ]


def test_an_unknown_run_is_404(editor: Client) -> None:
    assert editor.get(f"{URL}/999").status_code == 404
    assert post(editor, f"{URL}/999/cancel").status_code == 404


def test_runs_are_filtered_and_paged(editor: Client) -> None:
    runs = [requested(account()) for _ in range(3)]
    ledger.cancel(runs[0], None)
    answer = editor.get(URL, {"state": "running", "per_page": "1", "page": "junk"}).json()
    assert (answer["total"], answer["page"], answer["per_page"], answer["pages"]) == (2, 1, 1, 2)
    assert [row["id"] for row in answer["data"]] == [runs[2].pk]
    assert editor.get(URL, {"per_page": "9999"}).json()["per_page"] == 100
    assert editor.get(URL, {"state": "nonsense"}).status_code == 400


@pytest.mark.req("A24")
def test_queries_do_not_grow_with_runs(editor: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            editor.get(URL)
        return len(seen)

    requested(account())
    queries()  # the first request of a session asks for more
    few = queries()
    for _ in range(10):
        requested(account(), by=user("editor"))
    assert queries() == few


@pytest.mark.parametrize("name", ["attempt", "scrapejob"])
def test_the_admin_reads_no_whole_table_to_offer_outcomes(
    admin_client: Client, name: str, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(50) as asked:
        answer = admin_client.get(f"/admin/scraping/{name}/?outcome=timeout")
    assert "No answer in time" in answer.content.decode()
    assert not [one["sql"] for one in asked.captured_queries if "DISTINCT" in one["sql"]]


def test_the_admin_shows_the_ledger_and_tries_jobs_again(admin_client: Client) -> None:
    requested(account())
    [job] = ledger.claim("x", 1)
    settling.settle([Result(job, Missing.UNPARSABLE, [Try("read", clock.now(), 0.1, Missing.UNPARSABLE)])])
    for name in ("scraperun", "scrapejob", "attempt", "permitblock", "platformstate"):
        assert admin_client.get(f"/admin/scraping/{name}/").status_code == 200
    body = {"action": "try_again", "_selected_action": [job.pk]}
    assert admin_client.post("/admin/scraping/scrapejob/", body).status_code == 302
    assert ScrapeJob.objects.open().get().account_id == job.account_id


def test_no_platform_is_asked_for_with_a_nul(db: None) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(user("viewer"))
    assert client.get("/api/scrapes?platform=a%00b").status_code == 400
