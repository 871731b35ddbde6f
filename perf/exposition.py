"""What all processes recorded as Prometheus reads it.

Histograms and counters begin anew at midnight UTC, which Prometheus takes for the restart of a counter; levels are the
last ones. A bucket counts what is at most 4 % above its edge, for perf's own bins are that wide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import accumulate
from typing import Any, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from perf import clock, reading
from perf.gauges import PERMISSION, gauges
from perf.histograms import GROWTH, Histogram
from perf.models import DAYS, HOURS, MINUTES
from perf.reading import Window
from perf.series import COUNT, HISTOGRAM, LEVEL, Labels
from perf.storing import store

PREFIX = "perf"
EXACTLY = 1 + 1e-9  # an edge as computed may lie that little above the one meant
LATELY = timedelta(minutes=5)  # levels of what still runs are as new
EDGES = {
    "seconds": (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
    "bytes": (0, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 16_777_216),
    "": (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000),
}


class Described(NamedTuple):
    """What a name means: words, its unit (a key of EDGES), and what one recorded unit is worth in it."""

    help: str
    unit: str = ""
    scale: float = 1


SERIES = {
    "request": Described("How long answering took, by route, method and status.", "seconds"),
    "request.all": Described("How long answering took on all routes, by the status's first digit.", "seconds"),
    "request.database": Described("What the database had of a request.", "seconds"),
    "request.cache": Described("What the cache had of a request.", "seconds"),
    "request.queries": Described("Database queries of a request."),
    "request.bytes": Described("The body of an answer, before compression.", "bytes"),
    "task.run": Described("How long a Celery task ran, by its end.", "seconds"),
    "task.wait": Described("How long a Celery task waited after it was sent or due.", "seconds"),
    "task.retries": Described("Celery tasks that asked to be tried again."),
    "task.errors": Described("Celery tasks that failed, by the class of the error and the line it came from."),
    "request.errors": Described("Errors that Django answered with 500, by their class and the line they came from."),
    "outgoing": Described("How long calls to a platform took, by their end.", "seconds"),
    "outgoing.quota": Described("Spent share of the fullest window of a platform's quota, 0 to 1."),
    "outgoing.waited": Described("How long a ready call waited until the platform's quota let it go.", "seconds"),
    "cache": Described("Reads from the cache, by family and outcome."),
    "cache.bytes": Described("Bytes that the cache answered with.", "bytes"),
    "cache.saved": Described("What computing the cache's answers would have taken.", "seconds", 1e-6),
    "cache.computed": Described("How long computing an answer of the cache took, by family and line.", "seconds"),
    "query.slow": Described("How long runs of slow queries took, by query, route and line.", "seconds"),
    "query.repeated": Described("Runs of one query from one line in one request or task, from five on."),
    "query.repeated.seconds": Described("How long those runs took together.", "seconds"),
    "page.answered": Described("Browsers: until the first byte of a page.", "seconds"),
    "page.ready": Described("Browsers: until a page was parsed and its scripts had run.", "seconds"),
    "page.loaded": Described("Browsers: until everything of the first view was loaded.", "seconds"),
    "page.painted": Described("Browsers: until the largest part of a page was painted (LCP).", "seconds"),
    "page.interaction": Described("Browsers: from the slowest press on a page to its paint.", "seconds"),
    "perf.overhead": Described("What measuring a request took.", "seconds"),
    "perf.shed": Described("Values that there was no room to record."),
    "app.count": Described("What an app counts of its own rows."),
}


class Exposition:
    """A collector for prometheus_client's encoders: every name that was recorded lately."""

    def collect(self) -> Iterator[Metric]:
        """One family per name; of two names that Prometheus could not tell apart the first alone."""
        seen: set[str] = set()
        told = {key for key in store().names() if key[0] in FAMILIES}  # not what single requests did
        for kind, name in sorted(told, key=lambda key: (key[1], key[0])):
            described = described_as(kind, name)
            metric = metric_name(name, described.unit)
            family = FAMILIES[kind](metric, name, described)
            if family.samples and metric not in seen:
                seen.add(metric)
                yield family


def described_as(kind: str, name: str) -> Described:
    """The words for `name`; for one of the project's own a histogram is of seconds unless its name says otherwise."""
    if name in SERIES:
        return SERIES[name]
    own = next((unit for unit in EDGES if unit and name.endswith(unit)), "seconds" if kind == HISTOGRAM else "")
    return Described(f"Recorded as {name}.", own)


def metric_name(name: str, unit: str) -> str:
    """The name as Prometheus takes it: "request" in seconds → perf_request_seconds."""
    whole = re.sub(r"\W", "_", f"{PREFIX}_{name.removeprefix('perf.')}", flags=re.ASCII)
    return whole if whole.endswith(unit) else f"{whole}_{unit}"


def _today() -> Window:
    start = DAYS.period(clock.now())
    return Window(start, start + DAYS.step, "day")


def _histogram(metric: str, name: str, described: Described) -> Metric:
    found = reading.totals(name, _today())
    names = _label_names(found)
    family = HistogramMetricFamily(metric, described.help, labels=names)
    for labels, one in sorted(found.items()):
        family.add_metric(_values(labels, names), buckets(one, EDGES[described.unit]), one.total)
    return family


def _counter(metric: str, name: str, described: Described) -> Metric:
    found = reading.counts(name, _today())
    names = _label_names(found)
    family = CounterMetricFamily(metric, described.help, labels=names)
    for labels, amount in sorted(found.items()):
        family.add_metric(_values(labels, names), amount * described.scale)
    return family


def _hidden() -> set[str]:
    """Gauges for which it takes more than the permission that metrics are scraped with."""
    return {gauge.name for gauge in gauges() if gauge.permission != PERMISSION}


def _level(metric: str, name: str, described: Described) -> Metric:
    found = {labels: steps for labels, steps in _last(name).items() if labels.get("gauge") not in _hidden()}
    names = _label_names(found)
    family = GaugeMetricFamily(metric, described.help, labels=names)
    for labels, steps in sorted(found.items()):
        family.add_metric(_values(labels, names), steps[-1][1])
    return family


FAMILIES: dict[str, Callable[[str, str, Described], Metric]] = {
    HISTOGRAM: _histogram,
    COUNT: _counter,
    LEVEL: _level,
}


def _last(name: str) -> dict[Labels, list[Any]]:
    """Levels of the last minutes; of a name that is looked at more rarely, those of this hour and the one before."""
    now = clock.now()
    minute, hour = MINUTES.period(now) + MINUTES.step, HOURS.period(now)
    lately = reading.levels(name, Window(minute - LATELY, minute, "minute"))
    return lately or reading.levels(name, Window(hour - HOURS.step, hour + HOURS.step, "hour"))


def buckets(histogram: Histogram, edges: Iterable[float]) -> list[tuple[str, float]]:
    """(edge, how many are at most that) for each edge and infinity, as Prometheus adds them up."""
    bins = list(histogram.bins())
    sums = list(accumulate((many for _, many in bins), initial=0))
    reached, found = 0, []
    for edge in edges:
        while reached < len(bins) and bins[reached][0] <= edge * GROWTH * EXACTLY:
            reached += 1
        found.append((floatToGoString(edge), sums[reached]))  # type: ignore[no-untyped-call]  # the library's own
    return [*found, ("+Inf", histogram.count)]


def _label_names(found: Iterable[Labels]) -> list[str]:
    return sorted({name for labels in found for name, _ in labels})


def _values(labels: Labels, names: list[str]) -> list[str]:
    return [labels.get(name) for name in names]
