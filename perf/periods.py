"""The periods that performance pages show, as their addresses name them."""

from __future__ import annotations

from django.http import HttpRequest

PERIODS = {"1h": "1 hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days", "1y": "1 year"}
"""What ?period= may be → its words; perf.reading.window takes the same names."""

DEFAULT_PERIOD = "24h"
POLLED = {"1h": 15, "24h": 60}
"""Seconds between two looks at a page that is watched; what is longer hardly moves meanwhile."""


def asked_period(request: HttpRequest) -> str:
    """The period that `request` asks for; the day's, where it names none that there is."""
    period = request.GET.get("period", "")
    return period if period in PERIODS else DEFAULT_PERIOD
