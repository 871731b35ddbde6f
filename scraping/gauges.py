"""How much there is to gather and what gathering keeps, for the performance page."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count

from perf.gauges import Gauge
from scraping.models import OPEN_STATES, Alert, Sample, ScrapeJob


def open_jobs() -> Mapping[str, int]:
    """Jobs that wait or are being fetched."""
    counted = dict(ScrapeJob.objects.open().order_by().values_list("state").annotate(Count("pk")))
    return {state.label: counted.get(state.value, 0) for state in OPEN_STATES}


def open_alerts() -> int:
    """Alerts that are not over."""
    return Alert.objects.open().count()


def samples() -> int:
    """Samples of answers that could not be read."""
    return Sample.objects.count()


GAUGES = [
    Gauge(
        "scraping.open_jobs", "Accounts to gather", open_jobs, note="One job each; a job that is over is not counted."
    ),
    Gauge("scraping.open_alerts", "Open alerts", open_alerts, note="What somebody should look at in scraping."),
    Gauge("scraping.samples", "Samples of unread answers", samples, note="Kept for 30 days, 20 of a kind at most."),
]
