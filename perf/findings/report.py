"""The findings of a period: each a sentence that says what happened, where, and what to do; the costliest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from perf.budgets import budgets
from perf.cache.crowds import ALONE, PART, UNREACHABLE, WAITED, WRITER
from perf.calls import OK
from perf.findings.indexes import report as indexes
from perf.findings.queries import Seen, repeated, slow
from perf.findings.sources import line_of_route
from perf.findings.words import many, percent, took
from perf.histograms import Histogram
from perf.jobs import jobs
from perf.reading import Window, counts, crowds, together, totals
from perf.routes import PRECISION
from perf.series import Labels

REQUESTS_MIN = 20  # of a route, below which a share or a percentile says little
ERRORS_MIN = 3
ERROR_SHARE = 0.01
READS_MIN = 100  # of a family
HITS_MIN = 0.2  # of a family's reads
SAVED_MIN = 0.001  # seconds a hit saves: about what looking it up costs
SLOW_RUNS_MIN = 3  # of a query; fewer are told from SLOW_ANYHOW on: once in thousands is no pattern
SLOW_ANYHOW = 1.0  # seconds of a single run
CROWD_MIN = 3  # readers that computed one answer at once

_LIKE = re.compile(r" I?LIKE ", re.IGNORECASE)

LABELS = {
    "repeated": "Repeated query",
    "slow": "Slow query",
    "stampede": "Stampede",
    "cache": "Cache",
    "errors": "Errors",
    "budget": "Budget",
    "index": "Index",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend. `weight` is the seconds of the period that it cost, as far as is known; `url` says more."""

    kind: str  # repeated, slow, stampede, cache, errors, budget, index
    sentence: str
    place: str
    weight: float
    subject: str  # a route, a family, a table
    url: str

    @property
    def label(self) -> str:
        """Its kind in words."""
        return LABELS[self.kind]


@together()
def findings(window: Window) -> list[Finding]:
    """Everything worth mending in `window`, the costliest first."""
    seen = slow(window)
    often = [one for one in seen if one.runs.count >= SLOW_RUNS_MIN or one.runs.most >= SLOW_ANYHOW]
    found = [*_repeated(window), *_slow(often), *_crowds(window, seen), *_families(window)]
    found += [*_errors(window), *_budgets(window), *_indexes(often)]
    return sorted(found, key=lambda one: (-one.weight, one.sentence))


def _repeated(window: Window) -> Iterator[Finding]:
    for one in repeated(window):
        times = many(one.times.p50, "time")
        sentence = f"{one.route} runs the same query {times}{_at(one.place)}: {one.advice or 'ask once for all'}."
        yield Finding("repeated", sentence, one.place, one.seconds, one.route, _page("perf:query", one.query.pk))


def _slow(seen: list[Seen]) -> Iterator[Finding]:
    for one in seen:
        mend = one.missing or _why(one)
        runs = f"{many(one.runs.count, 'time')} took {took(one.runs.p95)} (p95), {took(one.runs.total)} in all"
        sentence = f"{one.route} runs a slow query: {runs}{_at(one.place)}: {mend}."
        yield Finding("slow", sentence, one.place, one.runs.total, one.route, _page("perf:query", one.query.pk))


def _why(one: Seen) -> str:
    """Where to look for what made a query slow; a statement like BEGIN or COMMIT has no plan."""
    if one.query.shape.startswith("BEGIN"):
        return "another transaction was writing; shorten those that write, or use a database with more than one writer"
    if _LIKE.search(one.query.shape):
        return "LIKE within a text reads every row; an index of trigrams (PostgreSQL's pg_trgm) serves it"
    return "its plan says why" if one.query.template else "it has no plan; look at what else ran on the database then"


def _crowds(window: Window, seen: list[Seen]) -> Iterator[Finding]:
    """Answers that many compute at once: of our cache by family, and of any other by their slow query."""
    for labels, most in crowds("cache.crowd", window).items():
        readers = most + (labels.get("reason") == WAITED)  # with the one that they waited for
        if readers >= CROWD_MIN:
            family, place = labels.get("family"), _place(labels)
            spent = sum((one.total for one in totals("cache.computed", window, **dict(labels)).values()), 0.0)
            mend = MENDS[labels.get("reason")]
            sentence = f"{family} is computed by {readers} readers at once{_at(place)}: {mend}."
            yield Finding("stampede", sentence, place, spent, family, _page("perf:cache"))
    for one in seen:
        if one.crowd >= CROWD_MIN:
            sentence = (
                f"{one.route} runs the same slow query in {one.crowd} requests at once{_at(one.place)}: "
                "keep its answer with perf.cache.cached(), which lets one compute while the others wait."
            )
            yield Finding("stampede", sentence, one.place, one.runs.total, one.route, _page("perf:query", one.query.pk))


MENDS = {
    WRITER: "a transaction that changes it was open for long and nothing is kept meanwhile; shorten that transaction",
    WAITED: "it takes longer than readers wait; compute it ahead in a task, or less of it",
    UNREACHABLE: "the cache's server did not answer; look after that first",
    PART: "it is a part of other answers, and each computes it for itself; keep it apart from them or compute it ahead",
    ALONE: "it takes longer than its lock lasts; compute it ahead in a task",
}


def _families(window: Window) -> Iterator[Finding]:
    """Families that are not worth caching: hardly ever hit, or no dearer to compute than to look up."""
    by_family: dict[str, dict[str, int]] = {}
    for labels, amount in counts("cache", window).items():
        by_family.setdefault(labels.get("family"), {})[labels.get("outcome")] = amount
    computed: dict[str, dict[Labels, Histogram]] = {}
    for labels, times in totals("cache.computed", window).items():
        computed.setdefault(labels.get("family"), {})[labels] = times
    for family, outcomes in by_family.items():
        reads = sum(outcomes.get(one, 0) for one in ("hits", "misses", "stale"))
        served = outcomes.get("hits", 0) + outcomes.get("stale", 0)
        if reads < READS_MIN:
            continue
        costs = computed.get(family, {})
        place = next((_place(labels) for labels in costs), "")
        mean = _mean(costs)
        if served < HITS_MIN * reads:
            why = f"only {percent(served, reads)} of {reads:,} reads found it: fewer keys, a longer life, or no cache"
        elif mean is not None and mean < SAVED_MIN:
            why = f"it takes {took(mean)} to compute, about what looking it up costs: compute it each time"
        else:
            continue
        yield Finding(
            "cache", f"{family} is not worth caching{_at(place)}: {why}.", place, 0, family, _page("perf:cache")
        )


def _mean(costs: dict[Labels, Histogram]) -> float | None:
    number = sum(one.count for one in costs.values())
    return sum(one.total for one in costs.values()) / number if number else None


def _errors(window: Window) -> Iterator[Finding]:
    """Routes, platforms and tasks that fail too often."""
    requests = (
        (labels.get("route"), times.count if labels.get("status").startswith("5") else 0, times.count)
        for labels, times in totals("request", window).items()
    )
    calls = (
        (labels.get("platform"), times.count if labels.get("outcome") != OK else 0, times.count)
        for labels, times in totals("outgoing", window).items()
    )
    yield from _failing("request", "route", requests, window)
    yield from _failing("outgoing", "platform", calls, window)
    yield from _failing("task", "task", ((job.task, job.failed, job.count) for job in jobs(window)), window)


def _failing(name: str, what: str, runs: Iterable[tuple[str, int, int]], window: Window) -> Iterator[Finding]:
    """Of `runs` of each subject, so many failed and so many in all, those that fail too often."""
    raised = _raised(f"{name}.errors", what, window)
    rates: dict[str, list[int]] = {}
    for subject, bad, many_of_them in runs:
        rate = rates.setdefault(subject, [0, 0])
        rate[0] += bad
        rate[1] += many_of_them
    for subject, (bad, all_of_them) in rates.items():
        if bad >= ERRORS_MIN and bad > ERROR_SHARE * all_of_them:
            place, why = raised.get(subject, ("", LOOK[what]))
            place = place or (line_of_route(subject) if what == "route" else "")
            sentence = (
                f"{subject} failed {bad:,} of {all_of_them:,} times, {percent(bad, all_of_them)}{_at(place)}: {why}."
            )
            yield Finding("errors", sentence, place, 0, subject, _detail(what, subject))


def _raised(name: str, what: str, window: Window) -> dict[str, tuple[str, str]]:
    """By route or task the line that most errors came from, and what they were."""
    most: dict[str, tuple[int, str, str]] = {}
    for labels, times in counts(name, window).items():
        subject = labels.get(what)
        most[subject] = max(most.get(subject, (0, "", "")), (times, labels.get("error"), _place(labels)))
    return {
        subject: (place, f"{error} was raised{' there' if place else ''} {many(times, 'time')}; the log holds it whole")
        for subject, (times, error, place) in most.items()
    }


LOOK = {
    "route": "Django saw no error, so the view or what stands before it answered so; the log says why",
    "platform": "its outcomes show whether it refuses, is slow or has changed",
    "task": "the worker's log holds the error",
}


def _budgets(window: Window) -> Iterator[Finding]:
    """Routes whose p95 or queries are over their budget."""
    times, queries = _by_route("request", window), _by_route("request.queries", window)
    for route, budget in budgets().items():
        taken, asked = times.get(route), queries.get(route)
        if taken is None or taken.count < REQUESTS_MIN:
            continue
        place, p95, over = line_of_route(route), taken.p95 or 0, []
        if budget.p95 is not None and p95 * 1000 > budget.p95 * PRECISION:
            over.append(f"takes {took(p95)} (p95), its budget is {took(budget.p95 / 1000)}")
        if asked is not None and (asked.p95 or 0) > budget.queries * PRECISION:
            over.append(f"runs {many(asked.p95, 'query', 'queries')} (p95), its budget is {budget.queries}")
        if over:
            sentence = f"{route} {' and '.join(over)}{_at(place)}: its page shows what the time goes into."
            wasted = taken.count * max(0.0, p95 - (budget.p95 or 0) / 1000) / 20 if budget.p95 else 0.0
            yield Finding("budget", sentence, place, wasted, route, _detail("route", route))


def _by_route(name: str, window: Window) -> dict[str, Histogram]:
    found: dict[str, Histogram] = {}
    for labels, one in totals(name, window).items():
        if labels.get("status")[:1] in {"2", "3"}:
            found.setdefault(labels.get("route"), Histogram()).merge(one)
    return found


def _indexes(seen: list[Seen]) -> Iterator[Finding]:
    for one in indexes([query.query.shape for query in seen]).found:
        yield Finding("index", one.sentence, one.place, 0, one.table, _page("perf:indexes"))


def _place(labels: Labels) -> str:
    """The line of the code that asked, or of what was computed for it."""
    return labels.get("place")


def _at(place: str) -> str:
    return f" ({place})" if place else ""


def _detail(what: str, subject: str) -> str:
    if what == "route":
        return _page("perf:route", subject)
    return _page("perf:outgoing" if what == "platform" else "perf:tasks")


def _page(route: str, *arguments: str) -> str:
    try:
        return reverse(route, args=arguments)
    except NoReverseMatch:  # a project that has not mounted the pages
        return ""
