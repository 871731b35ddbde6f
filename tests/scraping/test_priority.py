"""Priority from end to end: a real worker asks a platform in the order that the ledger promises."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Account
from perf import clock
from scraping import ledger, settling, tasks
from scraping.connectors.base import Trouble
from scraping.fakes import flickr
from scraping.models import Attempt, JobState, ScrapeJob, ScrapeRun
from scraping.results import Result
from snapshots.models import Snapshot
from tests.factories import account, organization, snapshot
from tests.scraping.promising import request, tried

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture
def asked(monkeypatch: Any) -> list[str]:
    """The handles that the fake platform was asked for, in the order in which it was."""
    handles: list[str] = []
    answer = flickr.answer

    def noted(call: Any, world: Any) -> Any:
        reply = answer(call, world)
        handles.extend(reply.asked)
        return reply

    monkeypatch.setattr(flickr, "answer", noted)
    return handles


@pytest.fixture
def one_at_a_time(worker: Callable[..., Any], fakes: Any) -> Callable[[], None]:
    """Starts a real worker that makes one call at a time, and lets it work until nothing is left."""

    def work() -> None:
        env = {"FAKE_PLATFORMS_URL": fakes.url, "SCRAPE_PAGE_PLATFORMS": "flickr", "SCRAPE_WORKERS": "1"}
        worker("control", "flickr", SCRAPE_WINDOW="00:00-00:01", **env)
        deadline = time.monotonic() + 60
        for beat in (tasks.plan, tasks.sweep, tasks.dispatch) * 3:  # three beats at once
            beat.delay()
        while ScrapeRun.objects.open().exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    return work


def named(*handles: str, **fields: Any) -> list[Account]:
    where = organization("One office")
    return [account("flickr", handle, organization=where, **fields) for handle in handles]


def fail_once(one: Account) -> None:
    """Let the planned job of `one` fail; its retry is due now."""
    others = ScrapeJob.objects.exclude(account=one)
    others.update(state=JobState.CANCELLED)
    [job] = ledger.claim("flickr", 1)
    settling.settle([Result(job, Trouble.SERVER_ERROR, [tried(Trouble.SERVER_ERROR)])])
    others.update(state=JobState.DUE)
    ScrapeRun.objects.update(state=ScrapeRun.State.RUNNING, finished_at=None, counted=None)
    ScrapeJob.objects.filter(account=one).update(due_at=clock.now())


@pytest.mark.req("A64", "A65", "A66", "A67")
def test_a_worker_asks_in_the_order_of_priority_however_many_beats_there_are(
    asked: list[str], one_at_a_time: Callable[[], None], settings: Any
) -> None:
    settings.SCRAPE_WINDOW = "00:00-00:01"
    rest, active = named("rest1", "rest2"), named("active1", "active2")
    [failed], wanted = named("failed"), named("wanted1", "wanted2")
    named("core1", "core2", is_core=True)
    for one in (*rest, *active):
        for days in (3, 1):
            posts = 7 + (one in active and days == 1)
            snapshot(one, clock.today() - days * DAY, None, posts=posts, observed_at=clock.now() - days * DAY)
    ledger.plan()
    fail_once(failed)
    request(*wanted)
    one_at_a_time()
    ranks = [handle.rstrip("12") for handle in asked]
    assert ranks == ["wanted"] * 2 + ["core"] * 2 + ["failed"] + ["active"] * 2 + ["rest"] * 2
    assert Snapshot.objects.filter(date=clock.today()).count() == len(asked) == len(set(asked)) == 9
    assert ScrapeJob.objects.count() == 9
    assert Attempt.objects.filter(outcome="ok").count() == 9
