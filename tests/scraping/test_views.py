"""The pages about gathering: runs, live progress, starting, pausing, cancelling, retrying."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse

from perf import clock
from scraping import ledger
from scraping.models import Attempt, JobState, PermitBlock, PlatformState, ScrapeJob, ScrapeRun
from snapshots.models import Source
from snapshots.recording import Sighting, record
from tests import factories

INLINE = re.compile(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", re.IGNORECASE)


def text_of(response):
    """The page's words, tags removed."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def end(run, account, state, outcome):
    """Let the job of `account` in `run` be over."""
    jobs = ScrapeJob.objects.filter(runjob__run=run, account=account)
    jobs.update(state=state, outcome=outcome, finished_at=clock.now(), attempts=1)
    ledger.finish_runs(list(jobs.values_list("pk", flat=True)))
    return jobs.get()


def run_of(*accounts, by=None):
    """A requested run of `accounts`."""
    ids = [account.pk for account in accounts]
    return ledger.request_scrape(accounts[0].__class__.objects.filter(pk__in=ids), by)


@pytest.fixture
def viewer(client, db):
    client.force_login(factories.user("viewer"))
    return client


@pytest.fixture
def editor(client, db):
    client.force_login(factories.user("editor"))
    return client


# --- Reading ----------------------------------------------------------------------------------------


def test_no_runs_says_when_the_first_comes(viewer):
    page = text_of(viewer.get("/scraping/"))
    assert "No run yet" in page
    assert "SCRAPE_WINDOW" in page


def test_a_platform_that_is_off_says_what_to_set(viewer, settings):
    settings.PLATFORM_TOKENS = {}
    factories.account("x")
    page = text_of(viewer.get("/scraping/"))
    assert "off" in page
    assert "X_TOKEN" in page


def test_a_platform_read_from_its_pages_carries_the_warning(viewer, settings, admin_client):
    settings.PLATFORM_TOKENS, settings.SCRAPE_PAGE_PLATFORMS = {}, ["linkedin"]
    factories.account("linkedin")
    assert "Public pages of LinkedIn are read, which their terms may forbid" in text_of(viewer.get("/scraping/"))
    states = text_of(admin_client.get("/admin/scraping/platformstate/"))
    assert "Remove linkedin from SCRAPE_PAGE_PLATFORMS to stop" in states
    settings.SCRAPE_PAGE_PLATFORMS = []
    assert "terms may forbid" not in text_of(viewer.get("/scraping/"))


def test_a_paused_platform_says_until_when_why_and_that_nothing_is_lost(viewer, settings):
    settings.PLATFORM_TOKENS = {"x": "token"}
    run_of(factories.account("x"), factories.account("x"))
    until = clock.now() + timedelta(minutes=11)
    PlatformState.objects.create(platform="x", paused_until=until, why="rate_limited")
    page = text_of(viewer.get("/scraping/"))
    assert "paused until" in page
    assert "The platform asked us to slow down" in page
    assert "2 wait, nothing is lost" in page


def test_quota_counts_what_was_not_returned_in_the_window(viewer, settings):
    settings.PLATFORM_TOKENS = {"x": "token"}
    factories.account("x")
    now = clock.now()
    block = {"platform": "x", "granted_at": now, "expires_at": now + timedelta(seconds=40)}
    PermitBlock.objects.create(calls=10, returned=4, settled_at=now, **block)
    PermitBlock.objects.create(calls=5, **block)
    PermitBlock.objects.create(calls=99, returned=0, settled_at=now - timedelta(days=2), **block)
    (row,) = viewer.get("/scraping/").context["platforms"]
    assert row.quota.used == 11
    assert row.quota.left == row.quota.calls - 11


@pytest.mark.req("A55")
def test_progress_shows_percent_done_total_speed_and_time_left(viewer):
    first, second, *others = [factories.account("x") for _ in range(4)]
    run = run_of(first, second, *others)
    ScrapeRun.objects.filter(pk=run.pk).update(created_at=clock.now() - timedelta(minutes=1))
    end(run, first, JobState.DONE, "ok")
    end(run, second, JobState.DEAD, "timeout")
    response = viewer.get("/scraping/live/")
    page = text_of(response)
    assert "50 %" in page
    assert "2 of 4 accounts" in page
    assert "2 a minute" in page
    assert "about 1:00 left" in page
    assert 'max="4" value="2"' in response.content.decode()
    assert 'hx-trigger="every 2s"' in response.content.decode()


def test_a_plan_before_its_hour_says_that_it_waits_for_its_time(viewer):
    run_of(factories.account())
    ScrapeJob.objects.update(due_at=clock.now() + timedelta(hours=1))
    assert "1 waits for its time or platform" in text_of(viewer.get("/scraping/live/"))


def test_polling_ends_with_the_last_run(viewer):
    account = factories.account("x")
    end(run_of(account), account, JobState.DONE, "ok")
    response = viewer.get("/scraping/live/")
    assert response["HX-Trigger"] == "run-ended"
    assert "hx-get" not in response.content.decode()


def test_a_run_names_the_reason_of_every_account(viewer):
    accounts = {name: factories.account("x", name) for name in ("stored", "hidden", "late", "waiting")}
    run = run_of(*accounts.values())
    end(run, accounts["stored"], JobState.DONE, "ok")
    end(run, accounts["hidden"], JobState.DONE, "hidden")
    end(run, accounts["late"], JobState.DEAD, "timeout")
    ScrapeJob.objects.filter(account=accounts["waiting"]).update(outcome="quota")
    response = viewer.get(f"/scraping/runs/{run.pk}/")
    page = text_of(response)
    for words in ("Figure stored", "hides its count", "No answer in time", "Waiting for the platform's quota"):
        assert words in page
    assert response.context["page"].object_list[0].account.handle == "waiting"


def test_failures_are_counted_by_reason_and_lead_to_their_accounts(viewer):
    accounts = [factories.account("x", f"late{n}") for n in range(2)] + [factories.account("x", "fine")]
    run = run_of(*accounts)
    for account in accounts[:2]:
        end(run, account, JobState.DEAD, "timeout")
    end(run, accounts[2], JobState.DONE, "ok")
    (failure,) = viewer.get("/scraping/").context["failures"]
    assert (failure.outcome, failure.accounts) == ("timeout", 2)
    shown = viewer.get(f"/scraping/runs/{run.pk}/?platform=x&outcome=timeout").context["page"].object_list
    assert {job.account.handle for job in shown} == {"late0", "late1"}


@pytest.mark.parametrize("query", ["outcome=nonsense", "platform=%00", "page=0", "after=forged"])
def test_a_forged_address_of_a_run_is_no_error(viewer, query):
    run = run_of(factories.account("x"))
    assert viewer.get(f"/scraping/runs/{run.pk}/?{query}").status_code == 200


def test_accounts_that_need_a_look_come_with_the_reason_of_their_newest_job(viewer):
    blocked, waiting, never, fine = (factories.account("x", name) for name in ("blocked", "waiting", "never", "fine"))
    now = clock.now()
    seen = Sighting(account_id=fine.pk, date=clock.today(), observed_at=now, source=Source.OBSERVED, followers=5)
    record([seen])
    end(run_of(blocked), blocked, JobState.DEAD, "blocked")
    run_of(waiting)
    late = factories.account("x", "seen_yesterday")
    yesterday = now - timedelta(days=1)
    record([Sighting(late.pk, yesterday.date(), yesterday, Source.OBSERVED, followers=5)], at=yesterday)
    end(run_of(late), late, JobState.DONE, "hidden")
    page = text_of(viewer.get("/scraping/missing/"))
    assert "The profile hides its count" in page
    assert "The platform showed a wall instead of the profile" in page
    assert "Waiting for its turn" in page
    assert "Not scraped yet" in page
    assert never.handle in page
    assert "fine" not in page


def test_attempts_of_an_account_say_what_came_of_them(viewer):
    account = factories.account("x")
    run = run_of(account)
    job = end(run, account, JobState.DEAD, "timeout")
    Attempt.objects.create(
        job=job, account=account, platform="x", step="read", started_at=clock.now(), seconds=1.5, outcome="timeout",
        worker="w",
    )  # fmt: skip
    page = text_of(viewer.get(f"/scraping/attempts/{account.pk}/"))
    assert "No answer in time" in page
    assert "1.50 s" in page


@pytest.mark.req("A24")
@pytest.mark.parametrize("path", ["/scraping/", "/scraping/live/", "/scraping/runs/{run}/"])
def test_queries_do_not_grow_with_jobs(viewer, django_assert_num_queries, path):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    small = path.format(run=run_of(*[factories.account("x") for _ in range(10)]).pk)
    viewer.get(small)
    with CaptureQueriesContext(connection) as few:
        viewer.get(small)
    large = path.format(run=run_of(*[factories.account("x") for _ in range(40)]).pk)
    with django_assert_num_queries(len(few)):
        assert viewer.get(large).status_code == 200


@pytest.mark.parametrize("path", ["/scraping/", "/scraping/live/", "/scraping/missing/"])
def test_no_page_carries_inline_code_or_style(editor, path):
    run_of(factories.account("x"))
    assert INLINE.findall(editor.get(path).content.decode()) == []


# --- Steering ---------------------------------------------------------------------------------------


@pytest.mark.req("A67")
@pytest.mark.parametrize(
    ("asked", "scraped"),
    [({"scope": "all"}, {"one", "two", "tube"}), ({"scope": "platform", "platform": "x"}, {"one", "two"})],
)
def test_scrape_now_promises_every_active_account_in_scope(editor, asked, scraped):
    for name in ("one", "two"):
        factories.account("x", name)
    factories.account("youtube", "tube")
    factories.account("x", "resting", is_active=False)
    response = editor.post("/scraping/start/", asked)
    assert response["Location"] == "/scraping/"
    jobs = ScrapeJob.objects.filter(state=JobState.DUE, rank=0)
    assert set(jobs.values_list("account__handle", flat=True)) == scraped


def test_scrape_now_of_one_account_promises_that_one(editor):
    account, _ = factories.account("x"), factories.account("x")
    editor.post("/scraping/start/", {"scope": "accounts", "account": account.pk})
    assert list(ScrapeJob.objects.values_list("account", flat=True)) == [account.pk]


def test_scrape_now_of_an_inactive_account_says_why_not(editor):
    account = factories.account("x", is_active=False)
    response = editor.post("/scraping/start/", {"scope": "accounts", "account": account.pk}, follow=True)
    assert "no active account" in text_of(response)
    assert not ScrapeRun.objects.exists()


@pytest.mark.parametrize(
    "asked",
    [{}, {"scope": "everything"}, {"scope": "platform", "platform": "myspace"}, {"scope": "accounts", "account": "x"}],
)
def test_an_unknown_scope_starts_nothing(editor, asked):
    factories.account("x")
    assert editor.post("/scraping/start/", asked).status_code == 404
    assert not ScrapeRun.objects.exists()


@pytest.mark.req("A55")
def test_cancel_stops_what_the_run_still_waits_for(editor):
    done, waiting = factories.account("x"), factories.account("x")
    run = run_of(done, waiting)
    end(run, done, JobState.DONE, "ok")
    response = editor.post(f"/scraping/runs/{run.pk}/steer/", {"action": "cancel"}, follow=True)
    assert "cancelled" in text_of(response)
    states = dict(ScrapeJob.objects.values_list("account", "state"))
    assert states == {done.pk: JobState.DONE, waiting.pk: JobState.CANCELLED}


def test_a_run_is_paused_and_resumed(editor):
    run = run_of(factories.account("x"))
    editor.post(f"/scraping/runs/{run.pk}/steer/", {"action": "pause"})
    assert "paused, nothing is fetched" in text_of(editor.get("/scraping/"))
    editor.post(f"/scraping/runs/{run.pk}/steer/", {"action": "resume"})
    run.refresh_from_db()
    assert run.state == ScrapeRun.State.RUNNING


@pytest.mark.parametrize(
    "asked", [{}, {"platform": "x", "outcome": "\x00"}, {"platform": "\x00", "outcome": "timeout"}]
)
def test_a_forged_retry_asks_for_nothing(editor, asked):
    account = factories.account("x")
    run = run_of(account)
    end(run, account, JobState.DEAD, "timeout")
    assert editor.post(f"/scraping/runs/{run.pk}/retry/", asked).status_code == 302
    assert not ScrapeJob.objects.open().exists()


def test_what_can_no_longer_be_steered_says_so(editor):
    account = factories.account("x")
    run = run_of(account)
    end(run, account, JobState.DONE, "ok")
    response = editor.post(f"/scraping/runs/{run.pk}/steer/", {"action": "cancel"}, follow=True)
    assert "Nothing was changed" in text_of(response)


def test_retry_asks_again_for_what_failed_for_that_reason_alone(editor):
    late, hidden = factories.account("x", "late"), factories.account("x", "hidden")
    run = run_of(late, hidden)
    end(run, late, JobState.DEAD, "timeout")
    end(run, hidden, JobState.DONE, "hidden")
    editor.post(f"/scraping/runs/{run.pk}/retry/", {"platform": "x", "outcome": "timeout"})
    assert list(ScrapeJob.objects.open().values_list("account", flat=True)) == [late.pk]


@pytest.mark.parametrize("name", ["start", "steer", "retry"])
def test_viewers_steer_nothing(viewer, name):
    account = factories.account("x")
    run = run_of(account)
    path = reverse(f"scraping:{name}", args=[] if name == "start" else [run.pk])
    assert viewer.post(path, {"scope": "all", "action": "cancel"}).status_code == 403
    assert "Cancel" not in text_of(viewer.get("/scraping/"))
    assert ScrapeRun.objects.get().state == ScrapeRun.State.RUNNING


@pytest.mark.parametrize("path", ["/scraping/start/", "/scraping/runs/1/steer/", "/scraping/runs/1/retry/"])
def test_reading_an_address_never_changes_anything(editor, path):
    assert editor.get(path).status_code == 405
