"""Single views of pages go after PERF_PAGE_VIEW_DAYS, a little at a time; what they told stays in the series."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic

from django.db.models import QuerySet

from perf import clock, flushing
from perf.conf import setting
from perf.expiring import Expired
from perf.models import PageView
from perf.storing import in_memory

PRUNED_EVERY = 3_600.0  # seconds
SECONDS = 10.0  # of a turn: flushing waits for it, and is not held up longer by however many views an hour brings
KEPT = {
    "perf.Arrival": "minutes: what processes passed on until it is merged",
    "perf.LabelSet": "one row a combination of labels: blocks name them by number",
    "perf.Turn": "one row a periodic work",
    **{f"perf.Minutes{number}": "48 hours: dropped a whole table at a time" for number in range(4)},
    **{f"perf.Hours{number}": "90 days: dropped a whole table at a time" for number in range(4)},
    **{f"perf.Days{number}": "two years: dropped a whole table at a time" for number in range(3)},
    "perf.KnownQuery": "as long as it runs, and the latest of them",
    "perf.QueryPlace": "as long as its query runs there",
    "perf.QueryPlan": "with its query",
}


def expired_views() -> QuerySet[PageView]:
    """Views that are older than they are kept, by the database's clock."""
    return PageView.objects.before(clock.db_instant() - timedelta(days=setting("PERF_PAGE_VIEW_DAYS")))


def expired() -> Iterator[Expired]:
    """What would go now: perf deletes it hourly by itself."""
    yield Expired("views of pages", setting("PERF_PAGE_VIEW_DAYS"), expired_views())


def prune() -> None:
    """Delete expired views, for SECONDS at most; the next turn goes on."""
    if in_memory():
        return
    for kind in expired():
        kind.delete(monotonic() + SECONDS)


flushing.periodically("perf.retention", PRUNED_EVERY, prune)
