"""The page of exports in a real browser, wide and on a phone."""

from __future__ import annotations

from time import monotonic

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from perf import clock
from snapshots.exports import writing
from snapshots.exports.jobs import ExportJob, State
from tests.browser.conftest import WIDE, too_wide

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_exports_fit_their_window(open_page, editor):
    states = {State.FAILED: {"ended_at": clock.now(), "error": "The server's disk is full. Nothing was kept of it."}}
    states |= {State.DONE: {"ended_at": clock.now()}, State.RUNNING: {"rows": 10, "started_at": clock.now()}}
    for state, more in states.items():
        filters = {"q": "averylongwordwithoutanyplacetobreak" * 2}
        ExportJob.objects.create(owner=editor, kind="ndjson", state=state, total=9, filters=filters, **more)
    page = open_page(WIDE, editor)
    page.goto("/exports/")
    assert not too_wide(page)


def test_an_export_becomes_ready_while_one_looks_and_is_downloaded(open_page, editor, roster):
    page = open_page(WIDE, editor)
    page.goto("/exports/")
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_text("waiting", exact=True)).to_be_visible()
    writing.write_some(monotonic() + 10)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == f"tidemark-figures-{clock.today()}.csv"
    assert download.value.path().read_bytes().startswith(b"Platform,Handle")


def test_the_link_to_a_file_shows_the_page_that_is_answered_instead(open_page, editor, roster):
    page = open_page(WIDE, editor)
    page.goto("/accounts/")
    page.get_by_text("Export", exact=True).click()
    file = page.get_by_role("link", name="CSV, for spreadsheets")
    with page.expect_download() as download:
        file.click()
    assert download.value.suggested_filename == f"tidemark-figures-{clock.today()}.csv"
    Session.objects.all().delete()
    file.click()
    page.wait_for_url("**/login/**")
