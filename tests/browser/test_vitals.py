"""A page tells how long it took its browser, as it is left."""

from __future__ import annotations

from time import monotonic

import pytest

from perf.models import PageView
from tests.browser.conftest import WIDE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.req("A94", "A100")
def test_a_page_left_has_told_its_timings(open_page, editor, settings):
    page = open_page(WIDE, editor)
    settings.PAGE_VIEW_SAMPLE = 1.0
    page.goto("/accounts/")
    page.wait_for_load_state("networkidle")
    page.get_by_label("Menu of").click()
    page.wait_for_timeout(150)  # an event is told a frame after it
    settings.PAGE_VIEW_SAMPLE = 0.0
    page.goto("/tokens/")
    until = monotonic() + 5
    while not PageView.objects.exists() and monotonic() < until:
        page.wait_for_timeout(50)
    view = PageView.objects.get()
    assert view.route == "snapshots:accounts"
    assert 0 < view.answered_ms <= view.ready_ms <= view.loaded_ms
    assert view.painted_ms > 0
