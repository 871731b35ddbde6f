"""The charts of the performance pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from perf import charts
from perf.charts import Chart
from perf.families import reads_by_step
from perf.histograms import Histogram
from perf.reading import Window
from perf.routes import Moment
from perf.templatetags.performance import count_words, took_words

Moments = Sequence[tuple[datetime, Moment | None]]


def times_chart(moments: Moments, *, level: float | None = None) -> Chart:
    """Median, p95 and p99 of the answers, step by step; `level` is what p95 may be, in seconds."""
    at = [step for step, _ in moments]
    times = [moment.times if moment else Histogram() for _, moment in moments]
    values = {
        "p50": [one.p50 for one in times],
        "p95": [one.p95 for one in times],
        "p99": [one.p99 for one in times],
    }
    return charts.lines("Answer times", at, values, write=took_words, level=level)


def requests_chart(moments: Moments) -> Chart:
    """How many requests were answered, refused and failed, step by step."""
    known = [moment for _, moment in moments]
    values = {
        "answered": [None if one is None else one.answered for one in known],
        "refused (4xx)": [None if one is None else one.refused for one in known],
        "failed (5xx)": [None if one is None else one.failed for one in known],
    }
    return charts.bars("Requests", [step for step, _ in moments], values, write=count_words)


def reads_chart(window: Window) -> Chart:
    """How the cache's reads were answered, step by step."""
    steps = reads_by_step(window)
    values = {
        "hit": [one.hits for one in steps],
        "stale": [one.stale for one in steps],
        "missed": [one.misses for one in steps],
    }
    return charts.bars("Reads from the cache", [one.at for one in steps], values, write=count_words)
