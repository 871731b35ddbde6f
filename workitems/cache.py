"""Which cached answers a change to a work item makes stale."""

from __future__ import annotations

from django.conf import settings

from perf.cache import Family

WORKITEMS = Family("workitems", timeout=settings.CACHE_TTL_WORKITEMS)
"""Lists of work items."""

ITEM = Family("workitem", timeout=settings.CACHE_TTL_WORKITEMS)
"""One item with its photos, comments and history: ITEM.of(str(item_id))."""

STATS = Family("workitem-stats", timeout=settings.CACHE_TTL_STATS, depends_on=(WORKITEMS,))
"""How many items there are by status."""


def families_of(item_id: int) -> list[Family]:
    """Everything that a change to one item makes stale."""
    return [WORKITEMS, ITEM.of(str(item_id))]
