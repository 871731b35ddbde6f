"""Notices, uploads and bundles are kept as long as promised, and longer while they wait."""

from __future__ import annotations

from datetime import timedelta

import pytest

from perf import clock, expiring
from tests import factories
from workitems.models import Bundle, Notice, Upload


@pytest.mark.both_dbs
def test_old_notices_of_items_go_but_for_what_still_waits(db, settings, monkeypatch):
    settings.NOTICE_DAYS = 10
    monkeypatch.setattr(expiring, "CHUNK", 1)
    item, now = factories.item(), clock.now()
    rows = {"new": (9, {"sent_at": now}), "sent": (11, {"sent_at": now}), "lost": (11, {"given_up": True})}
    for name, (days, ended) in (rows | {"waits": (900, {})}).items():
        at = now - timedelta(days=days)
        Notice.objects.create(work_item=item, event="assigned", words=name, created_at=at, due_at=at, **ended)
    expiring.prune(60)
    assert {notice.words for notice in Notice.objects.all()} == {"new", "waits"}


@pytest.mark.both_dbs
def test_uploads_and_bundles_go_when_they_have_long_been_over(db):
    item, owner, now = factories.item(), factories.user(), clock.now()
    for days in (29, 31, 89, 91):
        at = now - timedelta(days=days)
        for state in Upload.State.values:
            key = f"{state} {days}"
            Upload.objects.create(work_item=item, key=key, size=1, sha256="0" * 64, state=state, touched_at=at)
        Bundle.objects.create(owner=owner, numbers=[days], state="expired", ended_at=at)
    Bundle.objects.create(owner=owner, numbers=["waits"], created_at=now - timedelta(days=900))
    gone = expiring.prune(60)
    assert (gone["uploads"], gone["bundles"]) == (2, 3)
    assert set(Upload.objects.filter(touched_at__lt=now - timedelta(days=90)).values_list("key", flat=True)) == {
        "open 91"
    }
    assert [bundle.numbers for bundle in Bundle.objects.order_by("pk")] == [[29], ["waits"]]
