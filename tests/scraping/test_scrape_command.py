"""`manage.py scrape`: promises, progress and exit codes."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from time import monotonic
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from perf import clock
from scraping import pauses
from scraping.management.commands import scrape as command
from scraping.models import JobState, ScrapeJob, ScrapeRun
from tests.factories import account


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: Any) -> None:
    monkeypatch.setattr(command, "EVERY", 0.05)


def scrape(*options: str) -> str:
    out = StringIO()
    call_command("scrape", *options, stdout=out)
    return out.getvalue()


def test_it_promises_a_scrape_of_everything(db: None) -> None:
    account("x"), account("flickr"), account("x", is_active=False)
    assert "asks for 2 accounts" in scrape()
    run = ScrapeRun.objects.get()
    assert (run.scope, run.requested_by, run.jobs.count()) == ("all", None, 2)


@pytest.mark.parametrize("option", ["--platform=twitter", "--account=x/CDCgov"])
def test_it_promises_a_scrape_of_a_part(db: None, option: str) -> None:
    one = account("x", "cdcgov")
    account("flickr")
    scrape(option)
    assert ScrapeJob.objects.get().account == one


@pytest.mark.parametrize("option", ["--platform=myspace", "--account=x/nobody", "--account=nobody"])
def test_what_is_unknown_is_said(db: None, option: str) -> None:
    with pytest.raises(CommandError, match=r"no (platform|active account)"):
        scrape(option)
    assert not ScrapeJob.objects.exists()


def test_waiting_without_a_worker_says_so_and_keeps_the_promise(db: None) -> None:
    account("x")
    with pytest.raises(CommandError, match="No worker is running"):
        scrape("--wait")
    assert ScrapeJob.objects.get().state == JobState.DUE


@pytest.mark.req("A55")
def test_gathering_here_shows_progress_to_the_end(db: None, fakes: Any) -> None:
    account("flickr", "nasa"), account("flickr", "nosuchone")
    said = scrape("--here")
    assert "\n0 % · 0 of 2" in said
    assert "\n100 % · 2 of 2" in said
    assert "Done: 2 of 2 answered." in said
    assert "Flickr: 1 × No such profile" in said


def test_a_failure_for_good_is_exit_code_1(db: None, fakes: Any) -> None:
    account("flickr", "nasa")
    fakes.fault("drift", "flickr")
    with pytest.raises(SystemExit, match="1"):
        scrape("--here")


def test_a_fast_scrape_skips_what_has_to_wait_and_says_so(db: None, fakes: Any) -> None:
    account("flickr", "nasa"), account("x", "cdcgov")
    pauses.pause("x", clock.now() + timedelta(hours=1), "quota")
    said = scrape("--here", "--mode=fast")
    assert "Done: 1 of 2 answered." in said
    assert "X: 1 × Skipped" in said


def test_a_demo_scrape_takes_five_accounts(db: None) -> None:
    for _ in range(7):
        account("x")
    assert "asks for 5 accounts" in scrape("--mode=demo")


def test_what_waits_for_longer_than_the_time_given_ends_the_watch_at_once(db: None, fakes: Any) -> None:
    account("flickr", "nasa"), account("x", "cdcgov")
    pauses.pause("x", clock.now() + timedelta(hours=1), "quota")
    before = monotonic()
    with pytest.raises(CommandError, match=r"not over: 1 of 2 accounts are left .* X: 1 wait until") as ended:
        scrape("--here", "--timeout=60")
    assert ended.value.returncode == 3
    assert monotonic() - before < 30
    assert ScrapeJob.objects.open().count() == 1


def test_the_watch_ends_when_its_time_is_over(db: None, fakes: Any) -> None:
    account("x", "cdcgov")
    with pytest.raises(CommandError, match=r"It goes on by\s+itself"):
        scrape("--here", "--timeout=0")


def test_an_unreadable_platform_ends_the_watch_with_its_reason(
    db: None, fakes: Any, settings: Any, capsys: Any
) -> None:
    settings.PLATFORM_TOKENS = {}
    account("x", "cdcgov")
    out = StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("scrape", "--here", stdout=out)
    assert "X: 1 × No credential is set" in out.getvalue()


def test_accounts_on_hold_are_counted(db: None) -> None:
    Account.objects.hold([account("x").pk], "reassigned")
    account("x")
    assert "asks for 1 accounts; 1 are on hold and left out" in scrape()
