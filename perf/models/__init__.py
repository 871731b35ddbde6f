"""What perf keeps: what was recorded, the timings of pages in browsers, and the permission to see it."""

from perf.models.buckets import DAYS, HOURS, MINUTES, RINGS, Arrival, LabelSet, Ring, Turn
from perf.models.page_views import PageView, PageViewQuerySet
from perf.models.permissions import Performance
from perf.models.queries import KnownQuery, QueryPlace, QueryPlan

__all__ = [
    "DAYS",
    "HOURS",
    "MINUTES",
    "RINGS",
    "Arrival",
    "KnownQuery",
    "LabelSet",
    "PageView",
    "PageViewQuerySet",
    "Performance",
    "QueryPlace",
    "QueryPlan",
    "Ring",
    "Turn",
]
