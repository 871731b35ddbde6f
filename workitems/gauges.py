"""How much there is of work items, for the performance page."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, Sum

from perf.gauges import Gauge
from workitems.models import Comment, Photo, StatusTotal, WorkItem
from workitems.workflow import Status


def items() -> Mapping[str, int]:
    """Items by state as the totals keep them, and those in the bin."""
    kept = dict(StatusTotal.objects.values_list("status", "items"))
    return {status.label: kept.get(status.value, 0) for status in Status} | {
        "In the bin": WorkItem.objects.exclude(deleted_at=None).count()
    }


def photos() -> Mapping[str, int]:
    """Photos that nobody removed, by how far their renditions are."""
    rows = Photo.objects.present().order_by().values_list("state").annotate(Count("pk"))
    counted = dict(rows)
    return {state.label: counted.get(state.value, 0) for state in Photo.State}


def photo_bytes() -> int:
    """Bytes of the originals, removed photos too until they are cleared away."""
    total: int = Photo.objects.aggregate(total=Sum("size", default=0))["total"]
    return total


def comments() -> int:
    """All comments there are."""
    return Comment.objects.count()


GAUGES = [
    Gauge("workitems.items", "Work items", items, note="By state, counted with every change of one."),
    Gauge("workitems.photos", "Photos", photos, note="Without removed ones, by how far a worker is with them."),
    Gauge(
        "workitems.photo_bytes",
        "Photographs as sent",
        photo_bytes,
        unit="bytes",
        note="The originals alone, without the smaller pictures made of them.",
    ),
    Gauge("workitems.comments", "Comments", comments, note="On items in the bin too."),
]
