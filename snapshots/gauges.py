"""How many figures there are, for the performance page."""

from __future__ import annotations

from django.db.models import Sum

from perf.gauges import Gauge
from snapshots.models import PlatformTotal, Snapshot


def published() -> int:
    """Published figures, one per account and day, as the totals per day keep them."""
    total: int = PlatformTotal.objects.aggregate(total=Sum("figures", default=0))["total"]
    return total


def doubted() -> int:
    """Figures that wait for a second look."""
    return Snapshot.objects.to_judge().count()


GAUGES = [
    Gauge("snapshots.published", "Figures", published, note="Published ones, one per account and day; never deleted."),
    Gauge("snapshots.doubted", "Figures in doubt", doubted, note="They wait for a second reading, or for an editor."),
]
