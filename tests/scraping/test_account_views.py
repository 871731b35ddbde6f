"""The parts about gathering on the page of one account: its promise, the fetch under way, the tries."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from perf import clock
from scraping import ledger
from scraping.connectors.base import Missing
from scraping.models import Attempt, JobState, PlatformState, Recheck, ScrapeJob
from scraping.outcomes import SUSPECT
from scraping.standing import progress_of, promise_for
from tests import factories
from tests.scraping.promising import request

pytestmark = pytest.mark.django_db


def text_of(response: Any) -> str:
    """The answer's words, tags removed."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


@pytest.fixture
def editor(client: Client) -> Client:
    client.force_login(factories.user("editor"))
    return client


def end(account: Any, outcome: str, state: str = JobState.DONE) -> None:
    """Let the open job of `account` be over."""
    ScrapeJob.objects.filter(account=account).update(state=state, outcome=outcome, finished_at=clock.now())


def live(client: Client, account: Any, run: Any) -> str:
    return text_of(client.get(f"/scraping/standing/{account.pk}/?run={run.pk}", headers={"HX-Request": "true"}))


def test_a_script_is_told_the_run_and_why_there_is_none(editor: Client) -> None:
    account = factories.account("x", "nih")
    asked = {"scope": "accounts", "account": account.pk}
    told = editor.post("/scraping/start/", asked, headers={"accept": "application/json"})
    assert told.status_code == 202
    assert progress_of(account, told.json()["run"]).is_open  # type: ignore[union-attr]  # there is one
    account.is_active = False
    account.save()
    refused = editor.post("/scraping/start/", asked, headers={"accept": "application/json"})
    assert (refused.status_code, refused.json()) == (409, {"error": "There is no active account to scrape."})


def test_a_stored_figure_is_told_with_its_change(editor: Client) -> None:
    account = factories.account("x", "nih")
    factories.snapshot(account, clock.today() - timedelta(days=2), followers=1_000)
    factories.snapshot(account, clock.today(), followers=1_234)
    run = request(account)
    end(account, "ok")
    assert "done 1,234 followers, +234 since" in live(editor, account, run)


@pytest.mark.parametrize(
    ("outcome", "state", "said"),
    [
        (SUSPECT, JobState.DONE, "It is stored and counts nowhere until a second reading"),
        (Missing.NOT_FOUND, JobState.DONE, "No such profile. Nothing was stored; the figures from before stay."),
        ("timeout", JobState.DEAD, "No answer in time. Nothing was stored"),
        ("cancelled", JobState.CANCELLED, "cancelled Cancelled. Nothing was stored"),
    ],
)
def test_the_end_of_a_fetch_says_what_came_and_what_was_kept(
    editor: Client, outcome: str, state: str, said: str
) -> None:
    account = factories.account("x", "nih")
    run = request(account)
    end(account, outcome, state)
    assert said in live(editor, account, run)


def test_waiting_says_for_what_and_until_when(editor: Client) -> None:
    account = factories.account("x", "nih")
    run = request(account)
    assert "queued Somebody asked for it" in live(editor, account, run)
    until = clock.now() + timedelta(hours=1)
    PlatformState.objects.create(platform="x", host="", paused_until=until, why="quota")
    assert re.search(
        r"Waiting for the platform's quota, until .*\d\d:\d\d ?\. Nothing is lost", live(editor, account, run)
    )
    ledger.pause(run, None)
    assert f"Run {run.pk} is paused" in live(editor, account, run)


def test_only_a_run_of_this_account_alone_can_be_cancelled_here(editor: Client) -> None:
    account, other = factories.account("x", "nih"), factories.account("x", "cdc")
    both = request(account, other)
    assert "Cancel" not in live(editor, account, both)
    alone = request(factories.account("x", "fda"))
    assert progress_of(alone.jobs.get().account, alone.pk).may_cancel  # type: ignore[union-attr]  # there is one


def test_the_promise_says_by_when_or_why_it_is_late(editor: Client, settings: Any) -> None:
    settings.PLATFORM_TOKENS = {"x": "token"}
    account = factories.account("x", "nih", is_core=True)
    late = promise_for(account)
    assert late is not None
    assert late.late is not None
    assert "Not planned yet" in late.late.why
    factories.snapshot(account)
    kept = promise_for(account)
    assert kept is not None
    assert kept.late is None
    assert kept.due_at == kept.seen_at + timedelta(hours=settings.FRESHNESS_HOURS["core"])  # type: ignore[operator]
    account.is_active = False
    account.save()
    assert promise_for(account) is None
    assert "Nothing is promised" in text_of(editor.get(f"/scraping/standing/{account.pk}/"))


@pytest.mark.parametrize("part", ["standing", "attempts"])
def test_a_part_is_a_page_of_its_own_without_a_script(editor: Client, part: str) -> None:
    account = factories.account("x", "nih")
    page = editor.get(f"/scraping/{part}/{account.pk}/")
    assert b"<main" in page.content
    assert "HX-Request" in page["Vary"]
    alone = editor.get(f"/scraping/{part}/{account.pk}/", headers={"HX-Request": "true"})
    assert b"<main" not in alone.content


def test_attempts_are_paged_and_say_when_the_next_one_is(editor: Client) -> None:
    account = factories.account("x", "nih")
    request(account)
    job = ScrapeJob.objects.get(account=account)
    Attempt.objects.bulk_create(
        Attempt(
            job=job, account=account, platform="x", step="read", seconds=1.5, outcome="timeout", worker="w",
            started_at=clock.now() - timedelta(hours=back),
        )
        for back in range(12)
    )  # fmt: skip
    first = text_of(editor.get(f"/scraping/attempts/{account.pk}/"))
    assert first.count("No answer in time") == 10
    assert "Older" in first
    assert text_of(editor.get(f"/scraping/attempts/{account.pk}/?page=2")).count("No answer in time") == 2
    end(account, Missing.NOT_FOUND)
    assert "with the next nightly plan" in text_of(editor.get(f"/scraping/attempts/{account.pk}/"))
    Recheck.objects.note({account.pk: (Missing.NOT_FOUND, clock.today())})
    assert re.search(r"Next try: \d+ \w+ \d{4} ?\.", text_of(editor.get(f"/scraping/attempts/{account.pk}/")))
