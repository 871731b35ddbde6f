"""Notices of items are kept as long as promised, and longer while they wait."""

from __future__ import annotations

from datetime import timedelta

import pytest

from perf import clock
from tests import factories
from workitems import retention, tasks
from workitems.models import Notice


@pytest.mark.both_dbs
def test_old_notices_of_items_go_but_for_what_still_waits(db, settings, monkeypatch):
    settings.NOTICE_DAYS = 10
    monkeypatch.setattr(retention, "CHUNK", 1)
    item, now = factories.item(), clock.now()
    rows = {"new": (9, {"sent_at": now}), "sent": (11, {"sent_at": now}), "lost": (11, {"given_up": True})}
    for name, (days, ended) in (rows | {"waits": (900, {})}).items():
        at = now - timedelta(days=days)
        Notice.objects.create(work_item=item, event="assigned", words=name, created_at=at, due_at=at, **ended)
    tasks.prune_notices()
    assert {notice.words for notice in Notice.objects.all()} == {"new", "waits"}
