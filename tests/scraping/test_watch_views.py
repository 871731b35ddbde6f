"""The pages that watch over gathering: alerts, metrics, samples; and the figures as an API."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from perf import clock
from scraping import alerts, hours, ledger
from scraping.models import Alert, AlertMute, Notice, PermitBlock, Sample, ScrapeJob
from tests import factories
from tests.scraping.test_views import INLINE, text_of
from tests.scraping.watching import tried

pytestmark = pytest.mark.django_db


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(factories.user(role, email=f"{role}@example.org"))
    return client


def sample(body: str = "<script>alert(1)</script>", **fields: Any) -> Sample:
    values = {"platform": "x", "kind": "api", "step": "read", "accounts": 1, "outcome": "unparsable", "status": 200}
    values |= {"content_type": "text/html", "body": body, "size": len(body), "taken_at": clock.now()}
    return Sample.objects.create(account=fields.pop("account", None) or factories.account("x"), **values | fields)


def drift(**fields: Any) -> Alert:
    detail = {"tried": 40, "unread": 39}
    return Alert.objects.create(
        kind="schema_drift", key="x", platform="x", detail=detail, **{"opened_at": clock.now(), **fields}
    )


PAGES = ("/scraping/alerts/", "/scraping/metrics/", "/scraping/samples/")


@pytest.mark.parametrize("path", PAGES)
def test_pages_have_no_inline_code_and_work_when_empty(path: str) -> None:
    answer = signed_in("admin").get(path)
    assert answer.status_code == 200
    assert not INLINE.search(answer.content.decode())


# --- Samples


def test_a_sample_is_shown_as_text_and_saved_as_text() -> None:
    one, client = sample(), signed_in("editor")
    page = client.get(f"/scraping/samples/{one.pk}/")
    assert b"&lt;script&gt;alert(1)&lt;/script&gt;" in page.content
    assert b"<script>alert" not in page.content
    file = client.get(f"/scraping/samples/{one.pk}/text/")
    assert file.content.decode() == one.body
    assert file["Content-Type"] == "text/plain; charset=utf-8"
    assert file["Content-Disposition"] == f'attachment; filename="x-{one.pk}.txt"'
    assert file["X-Content-Type-Options"] == "nosniff"


def test_viewers_see_no_raw_answers_nor_links_to_them() -> None:
    attempt = tried("x", "unparsable")
    one = sample(account=attempt.account, taken_at=attempt.started_at)
    path = f"/scraping/attempts/{attempt.account_id}/"
    assert f"/scraping/samples/{one.pk}/" in signed_in("editor").get(path).content.decode()
    viewer = signed_in("viewer")
    assert "/scraping/samples/" not in viewer.get(path).content.decode()
    for address in ("", f"{one.pk}/", f"{one.pk}/text/"):
        assert viewer.get(f"/scraping/samples/{address}").status_code == 403


def test_a_job_leads_to_the_sample_of_its_newest_try_or_says_that_it_is_gone() -> None:
    attempt = tried("x", "unparsable")
    client, path = signed_in("editor"), f"/scraping/jobs/{attempt.job_id}/sample/"
    assert "no longer kept" in text_of(client.get(path, follow=True))
    one = sample(account=attempt.account, taken_at=attempt.started_at)
    assert client.get(path)["Location"] == f"/scraping/samples/{one.pk}/"


def test_samples_are_listed_by_platform_and_outcome() -> None:
    wanted = sample()
    sample(outcome="blocked"), sample(platform="flickr", account=factories.account("flickr"))
    page = signed_in("editor").get("/scraping/samples/?platform=x&outcome=unparsable").content.decode()
    assert re.findall(r"/scraping/samples/(\d+)/", page) == [str(wanted.pk)]


def test_the_list_of_samples_reads_no_bodies_and_asks_no_more_for_more(django_assert_max_num_queries: Any) -> None:
    for _ in range(10):
        sample(body="secret body " * 1_000)
    client = signed_in("editor")
    client.get("/scraping/samples/")
    with django_assert_max_num_queries(8) as queries:
        assert "secret body" not in client.get("/scraping/samples/").content.decode()
    assert not [query for query in queries.captured_queries if '"scraping_sample"."body"' in query["sql"]]


# --- Alerts


def test_an_open_alert_stands_on_the_scraping_page_with_its_samples() -> None:
    drift()
    editor = text_of(signed_in("editor").get("/scraping/"))
    assert "X's answers can no longer be read" in editor
    assert "39 of 40 accounts could not be read: X is paused." in editor
    assert "platform=x&amp;outcome=unparsable" in signed_in("editor").get("/scraping/").content.decode()
    assert "/scraping/samples/" not in signed_in("viewer").get("/scraping/").content.decode()


def test_past_alerts_say_who_was_told_and_what_failed() -> None:
    one = drift(closed_at=clock.now(), opened_at=clock.now() - timedelta(hours=2))
    now = clock.now()
    Notice.objects.create(alert=one, event="opened", channel="mail", address="a@example.org", due_at=now, sent_at=now)
    failed = {"due_at": now, "given_up": True, "error": "it answered with HTTP 500"}
    Notice.objects.create(alert=one, event="opened", channel="webhook", **failed)
    page = text_of(signed_in("viewer").get("/scraping/alerts/"))
    assert "Nothing is wrong." in page
    assert "mail, opened: sent" in page
    assert "webhook, opened: given up it answered with HTTP 500" in page
    assert "a@example.org" not in page


def test_each_editor_mutes_for_themselves() -> None:
    editor, other = signed_in("editor"), signed_in("admin")
    answer = editor.post("/scraping/alerts/mute/", {"kind": "budget", "action": "mute"}, follow=True)
    assert "No more mail to you about: A month's budget" in text_of(answer)
    assert AlertMute.objects.get().user.email == "editor@example.org"
    assert "Unmute" in text_of(answer)
    assert "Unmute" not in text_of(other.get("/scraping/alerts/"))
    editor.post("/scraping/alerts/mute/", {"kind": "budget", "action": "unmute"})
    assert not AlertMute.objects.exists()


@pytest.mark.parametrize("sent", [{}, {"kind": "weather", "action": "mute"}, {"kind": "budget", "action": "shout"}])
def test_a_mute_of_nothing_is_no_page_of_ours(sent: dict[str, str]) -> None:
    assert signed_in("editor").post("/scraping/alerts/mute/", sent).status_code == 404


def test_viewers_have_no_mutes() -> None:
    assert "Mail to you" not in text_of(signed_in("viewer").get("/scraping/alerts/"))


# --- Metrics


@pytest.fixture
def figures() -> None:
    """Three tries at X, an ended run, a call; and one try at Flickr ten days ago."""
    factories.account("x"), factories.account("x")
    ledger.request_scrape(Account.objects.all(), None)
    now = clock.now()
    over = {"started_at": now, "finished_at": now + timedelta(seconds=4), "waited": timedelta(seconds=90)}
    ScrapeJob.objects.update(state="done", outcome="ok", **over)
    ledger.finish_runs()
    for outcome in ("ok", "ok", "timeout"):
        tried("x", outcome)
    tried("flickr", "ok", at=now - timedelta(days=10))
    spent = {"granted_at": now, "expires_at": now, "settled_at": now}
    PermitBlock.objects.create(platform="x", calls=10, returned=8, **spent)
    hours.roll_up()


@pytest.mark.req("A69", "A70", "A99", "A101")
def test_metrics_tell_outcomes_times_waits_calls_and_runs(figures: None, settings: Any) -> None:
    settings.PLATFORM_TOKENS = {"x": "token"}
    said = signed_in("viewer").get("/api/scrapes/metrics").json()
    (one,) = said["platforms"]
    assert (one["platform"], one["tries"], one["succeeded"], one["calls"]) == ("x", 3, 2, 2)
    assert [(row["reason"], row["tries"]) for row in one["outcomes"]] == [("ok", 2), ("timeout", 1)]
    assert one["outcomes"][1]["label"] == "No answer in time"
    (endpoint,) = one["endpoints"]
    assert (endpoint["endpoint"], endpoint["count"]) == ("read", 3)
    assert endpoint["average"] == pytest.approx(0.1)
    assert endpoint["p95"] <= endpoint["slowest"] == pytest.approx(0.1)
    assert one["wait"]["average"] == 90.0
    assert one["run"]["average"] == 4.0
    assert one["quota"]["used"] == 2
    (run,) = said["runs"]
    assert (run["accounts"], run["figures"], run["failed"], run["wait"], run["ran"]) == (2, 2, 0, 90.0, 4.0)


def test_a_longer_period_and_one_platform_can_be_chosen(figures: None) -> None:
    client = signed_in("viewer")

    def names(query: str) -> list[str]:
        return [one["platform"] for one in client.get(f"/api/scrapes/metrics?{query}").json()["platforms"]]

    assert names("period=7d") == ["x"]
    assert names("period=30d") == ["x", "flickr"]
    assert names("period=30d&platform=flickr") == ["flickr"]
    assert client.get("/api/scrapes/metrics?platform=nowhere").status_code == 400
    assert client.get("/api/scrapes/metrics?period=1y").status_code in {400, 422}


def test_the_page_shows_the_same_and_explains_it(figures: None) -> None:
    page = text_of(signed_in("viewer").get("/scraping/metrics/?period=30d"))
    assert "X: No answer in time" in page
    assert "66 %" in page or "67 %" in page
    assert "X: read" in page
    assert "0.10" in page
    assert "1:30" in page
    assert "p50: half took at most this" in page
    assert "Run 1" in page or re.search(r"Run \d+ X", page)


@pytest.mark.req("A107")
def test_metrics_outlive_the_attempts_they_were_counted_from(figures: None) -> None:
    client = signed_in("viewer")
    before = client.get("/api/scrapes/metrics?period=90d").json()["platforms"]
    ScrapeJob.objects.filter(runs=None).delete()
    hours.roll_up()
    after = client.get("/api/scrapes/metrics?period=90d").json()["platforms"]
    assert [one["endpoints"] for one in after] == [one["endpoints"] for one in before]


def test_a_period_without_figures_says_when_they_come() -> None:
    page = text_of(signed_in("viewer").get("/scraping/metrics/?period=nonsense&platform=nonsense"))
    assert "Nothing was fetched in this period." in page
    assert signed_in("admin").get("/api/scrapes/metrics").json()["counted_to"] is None


def test_metrics_ask_the_database_as_often_for_many_platforms(figures: None, django_assert_num_queries: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = signed_in("viewer")
    client.get("/api/scrapes/metrics")
    with CaptureQueriesContext(connection) as few:
        client.get("/api/scrapes/metrics")
    for platform in ("youtube", "facebook", "linkedin", "truth_social"):
        tried(platform, "ok")
    hours.roll_up()
    with django_assert_num_queries(len(few)):
        assert len(client.get("/api/scrapes/metrics").json()["platforms"]) == 5


def test_banners_cost_the_scraping_page_a_fixed_number_of_queries(django_assert_max_num_queries: Any) -> None:
    for number in range(5):
        Alert.objects.create(
            kind="schema_drift", key=str(number), platform="x", detail={"tried": 9, "unread": 9}, opened_at=clock.now()
        )
    with django_assert_max_num_queries(2):
        assert len(alerts.banners()) == 5


def test_what_is_not_counted_yet_is_no_zero() -> None:
    now = clock.now()
    PermitBlock.objects.create(platform="x", calls=3, granted_at=now, expires_at=now + timedelta(seconds=40))
    page = signed_in("viewer").get("/scraping/metrics/").content.decode()
    assert "Tries are counted every five minutes, and none of this period" in page
    assert 'data-label="Tries"><span class="quiet" title="Not counted yet"' in page
    assert "No run ended in this period" not in page
