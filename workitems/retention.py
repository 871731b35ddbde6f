"""How long notices of items are kept, and deleting what is older, a little at a time."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic

from django.conf import settings

from perf import clock
from workitems.models import Notice
from workitems.models.notices import ItemNoticeQuerySet

CHUNK = 1_000  # rows per transaction: no lock lasts, and SQLite's one writer is free again soon
PRUNE_SECONDS = 200.0  # of one daily round; what is left goes the next day


def expired_notices() -> ItemNoticeQuerySet:
    """Notices that were sent or given up and are older than NOTICE_DAYS, by the database's clock."""
    return Notice.objects.over_before(clock.db_instant() - timedelta(days=settings.NOTICE_DAYS))


def prune() -> int:
    """Delete expired notices, for PRUNE_SECONDS at most; returns how many went."""
    rows, gone, deadline = expired_notices(), 0, monotonic() + PRUNE_SECONDS
    while monotonic() < deadline and (ids := list(rows.values_list("pk", flat=True)[:CHUNK])):
        Notice.objects.filter(pk__in=ids).delete()
        gone += len(ids)
    return gone
