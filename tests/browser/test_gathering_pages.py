"""Doubted figures, runs and platforms in a real browser, wide and on a phone."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from perf import clock
from scraping import ledger
from scraping.models import Attempt, PlatformState, ScrapeJob
from snapshots.models import Snapshot
from snapshots.recording import Sighting, record
from tests import factories
from tests.browser.conftest import PHONE, WIDE, overflow

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


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_pages_of_gathering_fit_their_window(open_page, editor, doubts, size):
    factories.account("x", "averylonghandlewithoutanyplacetobreak", is_core=True)
    page = open_page(size, editor)
    shots = os.environ.get("SHOTS")
    for name, path in {
        "suspects": "/figures/suspect/",
        "runs": "/scraping/",
        "run": f"/scraping/runs/{doubts.pk}/",
        "platform": "/scraping/platforms/x/",
        "late": "/scraping/late/",
    }.items():
        page.goto(path)
        page.wait_for_load_state("networkidle" if name in ("platform", "late") else "load")
        if shots:
            page.screenshot(path=f"{shots}/{name}-{size['width']}.png", full_page=True)
        assert overflow(page) == 0, path
