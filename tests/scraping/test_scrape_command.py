"""`manage.py scrape`: promises, progress and exit codes."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from scraping.models import JobState, ScrapeJob, ScrapeRun
from tests.factories import account


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
    assert "0 % · 0 of 2" in said
    assert "Done: 2 of 2 answered." in said
    assert "Flickr: 1 × No such profile" in said


def test_a_failure_for_good_is_exit_code_1(db: None, fakes: Any) -> None:
    account("flickr", "nasa")
    fakes.fault("drift", "flickr")
    with pytest.raises(SystemExit, match="1"):
        scrape("--here")
