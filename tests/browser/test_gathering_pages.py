"""Doubted figures, runs and platforms in a real browser, wide and on a phone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from perf import clock
from scraping import ledger
from scraping.models import Attempt, JobState, PlatformState, ScrapeJob
from snapshots.models import Quality, Snapshot
from snapshots.recording import Sighting, record
from tests import factories
from tests.browser.conftest import PHONE, WIDE, overflow, too_wide

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def doubts(roster, settings):
    """Two leaps and a platform that fell together; a run with every kind of job; a platform at rest."""
    settings.PLATFORM_TOKENS = {"x": "t", "youtube": "t", "facebook": "t"}
    settings.X_MONTHLY_BUDGET_USD = 100
    later = clock.now()
    record([Sighting(a.pk, clock.today(), later, "observed", followers=90_000_000) for a in (roster[0], roster[4])])
    fallen = [a for a in roster if a.platform == "facebook"]
    known = dict(Snapshot.objects.filter(date=clock.today(), account__in=fallen).values_list("account", "followers"))
    record([Sighting(a.pk, clock.today(), later, "observed", followers=known[a.pk] * 7 // 10) for a in fallen])
    run = ledger.request_scrape(type(roster[0]).objects.all(), None)
    jobs = list(ScrapeJob.objects.order_by("pk"))
    for job, outcome, state in zip(
        jobs, ("ok", "timeout", "unparsable", "hidden", "ok"), ("done", "dead", "failed", "done", "done"), strict=False
    ):
        ScrapeJob.objects.filter(pk=job.pk).update(state=state, outcome=outcome, finished_at=later, attempts=1)
        Attempt.objects.create(
            job=job, account=job.account, platform=job.platform, step="read", started_at=later, seconds=0.4,
            outcome=outcome, worker="w",
        )  # fmt: skip
    PlatformState.objects.create(platform="x", paused_until=later + timedelta(minutes=30), why="dead_token")
    return run


def test_pages_of_gathering_fit_their_window(open_page, editor, doubts):
    factories.account("x", "averylonghandlewithoutanyplacetobreak", is_core=True)
    page = open_page(WIDE, editor)
    run = f"/scraping/runs/{doubts.pk}/"
    for path in ("/figures/suspect/", "/scraping/", run, "/scraping/platforms/x/", "/scraping/late/", "/scraping/new/"):
        page.goto(path)
        assert not too_wide(page), path


def test_a_figure_is_accepted_in_its_row_and_taken_back(open_page, editor, doubts, roster):
    page = open_page(WIDE, editor)
    page.goto("/figures/suspect/?platform=x")
    page.get_by_role("button", name=re.compile("^Accept station00")).click()
    expect(page.get_by_role("status").filter(has_text="1 figure accepted.")).to_be_visible()
    row = Snapshot.objects.get(account=roster[0], date=clock.today())
    assert (row.quality, row.followers, row.aside) == (Quality.PUBLISHED, 90_000_000, None)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 figure waits again.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Accept station00"))).to_be_visible()
    assert "platform=x" in page.url


def test_a_refused_decision_brings_its_row_back(open_page, editor, doubts):
    page = open_page(WIDE, editor)
    page.goto("/figures/suspect/")
    page.provoked += ["ERR_FAILED", "Failed to fetch"]
    page.route("**/figures/suspect/judge/", lambda route: route.abort())
    button = page.get_by_role("button", name=re.compile("^Reject station00"))
    button.click()
    expect(page.locator(".toast.error")).to_contain_text("Nothing was changed")
    expect(button).to_be_visible()
    expect(page.locator("tr.fading")).to_have_count(0)


def test_who_was_signed_out_meanwhile_is_told_so(open_page, editor, doubts):
    judging, writing = open_page(WIDE, editor), open_page(WIDE, editor)
    judging.goto("/figures/suspect/")
    writing.goto("/accounts/x/station00/")
    writing.get_by_role("link", name="Add a note on").click()
    writing.get_by_role("textbox", name="Note").fill("Campaign begins")
    Session.objects.all().delete()
    judging.get_by_role("button", name=re.compile("^Reject station00")).click()
    expect(judging.locator(".toast.error")).to_contain_text("You are signed out. Sign in again. Nothing was changed.")
    writing.get_by_role("button", name="Add the note").click()
    expect(writing.get_by_role("dialog")).to_contain_text("You are signed out. Sign in again. Nothing was stored")


@pytest.mark.parametrize("scripted", [True, False], ids=["script", "no-script"])
def test_a_platforms_day_is_looked_at_then_rejected_and_undone(open_page, editor, doubts, scripted):
    page = open_page(PHONE, editor, java_script_enabled=scripted)
    page.goto("/figures/suspect/")
    page.get_by_role("button", name="Reject all of Facebook").click()
    expect(page.get_by_role("heading", name="Reject 20 figures?")).to_be_visible()
    assert not scripted or overflow(page) == 0
    page.get_by_role("button", name="Reject 20 figures").click()
    expect(page.get_by_text("20 figures rejected.")).to_be_visible()
    assert Snapshot.objects.to_judge().count() == 2
    page.get_by_role("button", name="Undo: rejected 20 figures").click()
    expect(page.get_by_text("20 figures wait again.")).to_be_visible()
    assert Snapshot.objects.to_judge().count() == 22


def test_a_runs_page_follows_its_run_to_the_end(open_page, editor, doubts):
    page = open_page(WIDE, editor)
    page.goto(f"/scraping/runs/{doubts.pk}/")
    expect(page.get_by_role("status").filter(has_text="5 of 60 accounts")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("paused, nothing is fetched")).to_be_visible()
    assert page.url.endswith(f"/scraping/runs/{doubts.pk}/")
    page.get_by_role("button", name="Resume", exact=True).click()
    jobs = ScrapeJob.objects.open()
    ids = list(jobs.values_list("pk", flat=True))
    jobs.update(state=JobState.DONE, outcome="ok", finished_at=clock.now(), lease_until=None)
    ledger.finish_runs(ids)
    expect(page.locator("#board .figure").filter(has_text="State")).to_contain_text("Done", timeout=8_000)
    expect(page.locator("#live progress")).to_have_count(0)


def test_a_part_is_started_from_the_form(open_page, editor, doubts):
    page = open_page(PHONE, editor)
    page.goto("/scraping/")
    page.get_by_role("link", name="Scrape a part…").click()
    expect(page.get_by_role("button", name="Scrape now")).to_be_visible()
    assert overflow(page) == 0
    page.get_by_label("Chosen accounts").first.check()
    page.get_by_role("textbox", name="Chosen accounts").fill("x/station03")
    page.get_by_role("radio", name="Fast").check()
    page.get_by_role("button", name="Scrape now").click()
    expect(page.get_by_text("has started")).to_be_visible()
    expect(page.get_by_text("· fast ·").first).to_be_visible()
