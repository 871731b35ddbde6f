"""How long exports are kept; figures and what was judged of them are kept for good."""

from __future__ import annotations

from collections.abc import Iterator

from perf.expiring import Expired, before
from snapshots.models import ExportJob

EXPORT_DAYS = 30  # their files go long before: see EXPORT_KEEP_HOURS
FOR_GOOD = "for good: it is what the product is for"
KEPT = {
    "snapshots.Snapshot": FOR_GOOD,
    "snapshots.LatestSnapshot": "one row an account",
    "snapshots.DailyTotal": FOR_GOOD,
    "snapshots.PlatformTotal": FOR_GOOD,
    "snapshots.PlatformAccounts": "one row a platform",
    "snapshots.ImportBatch": "for good: whose figures these are",
    "snapshots.ImportedDay": "as long as its figure stands: an import can be undone at any time",
    "snapshots.Judgement": "for good: who judged a figure",
    "snapshots.JudgedFigure": "with its judgement",
    "snapshots.Note": "for good: what people wrote",
}


def expired() -> Iterator[Expired]:
    """What would go now."""
    yield Expired("exports", EXPORT_DAYS, ExportJob.objects.filter(ended_at__lt=before(EXPORT_DAYS)))
