"""Alerts, metrics and samples in a real browser, wide and on a phone."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from perf import clock
from scraping import hours
from scraping.models import Alert, Notice, Sample
from tests.browser.conftest import PHONE, WIDE, overflow
from tests.scraping.watching import tried

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def watched():
    """An open alert, a past one with a failed notice, a sample without a place to break, and some tries."""
    now = clock.now()
    for outcome in ("ok", "ok", "unparsable", "timeout"):
        attempt = tried("x", outcome)
    tried("flickr", "missing_from_batch")
    hours.roll_up()
    drift = {"kind": "schema_drift", "key": "x", "platform": "x", "detail": {"tried": 1_234, "unread": 1_200}}
    Alert.objects.create(opened_at=now, **drift)
    past = Alert.objects.create(opened_at=now - timedelta(hours=3), closed_at=now - timedelta(hours=1), **drift)
    error = "ClientConnectorError: " + "x" * 200
    Notice.objects.create(alert=past, event="opened", channel="webhook", due_at=now, given_up=True, error=error)
    return Sample.objects.create(
        account=attempt.account,
        platform="x",
        kind="api",
        step="read",
        accounts=100,
        outcome="unparsable",
        status=200,
        content_type="application/json",
        body="{" + "a" * 3_000 + "}",
        size=70_000,
        taken_at=now,
    )


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_pages_that_watch_fit_their_window(open_page, editor, watched, size):
    page = open_page(size, editor)
    shots = os.environ.get("SHOTS")
    for name, path in {
        "alerts": "/scraping/alerts/",
        "metrics": "/scraping/metrics/?period=7d",
        "samples": "/scraping/samples/",
        "sample": f"/scraping/samples/{watched.pk}/",
        "runs-alert": "/scraping/",
    }.items():
        page.goto(path)
        page.wait_for_load_state("load")
        if shots:
            page.screenshot(path=f"{shots}/{name}-{size['width']}.png", full_page=True)
        assert overflow(page) == 0, path
