"""Alerts, metrics and samples in a real browser, wide and on a phone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from perf import clock
from scraping import hours
from scraping.models import Alert, Notice, Sample
from tests.browser.conftest import WIDE, too_wide
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


def test_pages_that_watch_fit_their_window(open_page, editor, watched):
    page = open_page(WIDE, editor)
    sample = f"/scraping/samples/{watched.pk}/"
    paths = ("/scraping/alerts/", "/scraping/metrics/?period=7d", "/scraping/samples/", sample, "/scraping/")
    for path in paths:
        page.goto(path)
        assert not too_wide(page), path
