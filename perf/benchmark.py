"""Measures ways of doing the same thing side by side: equal answers first, then times, in one run.

An app writes its cases into its own benchmarks.py as benchmarks(), a function that gives Case objects.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from django.db import connection

from perf.queries import metered

ITERATIONS = 100
WARM_UP = 3
LEAST = 5  # runs of each variant, even where they outlast the time budget


class Unequal(Exception):
    """Two variants of a case gave different answers, so their times say nothing."""


class NothingToMeasure(Exception):
    """A case lacks its data; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question with two or more ways to answer it; the first is the one that ratios compare with.

    `variants` maps names to functions without arguments; all must give equal answers, or `check` must accept them
    (it raises Unequal). `world` is entered around the case: it brings the data and takes it away; it may raise
    NothingToMeasure.
    """

    name: str
    variants: dict[str, Callable[[], Any]]
    world: Callable[[], AbstractContextManager[Any]] = nullcontext
    check: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What one variant took, in milliseconds, over `iterations`; `ratio` is the first variant's median over its own."""

    case: str
    variant: str
    mean: float
    median: float
    p95: float
    least: float
    most: float
    queries: int
    iterations: int
    ratio: float

    def as_json(self) -> dict[str, Any]:
        """The row with the names that scripts rely on: case, variant, value, unit, ratio; the rest beside them."""
        return {
            "case": self.case,
            "variant": self.variant,
            "value": round(self.median, 4),
            "unit": "ms",
            "ratio": round(self.ratio, 3),
            "mean": round(self.mean, 4),
            "p95": round(self.p95, 4),
            "min": round(self.least, 4),
            "max": round(self.most, 4),
            "queries": self.queries,
            "iterations": self.iterations,
        }


def measure(case: Case, *, iterations: int = ITERATIONS, seconds: float = 10.0) -> list[Row]:
    """One row per variant: up to `iterations` runs each, taken in turns, fewer where `seconds` for all are over."""
    with case.world():
        _check_equal(case)
        queries = {name: _queries(run) for name, run in case.variants.items()}
        times = _times(case, iterations, seconds)
    first = statistics.median(next(iter(times.values())))
    return [_row(case.name, name, taken, queries[name], first) for name, taken in times.items()]


def _check_equal(case: Case) -> None:
    """Run each variant, the first time of its warm-up, and compare what they give."""
    if case.check is not None:
        case.check()
        return
    answers = {name: run() for name, run in case.variants.items()}
    (first, expected), *others = answers.items()
    for name, answer in others:
        if answer != expected:
            raise Unequal(f"{case.name}: {name} does not give what {first} gives")


def _queries(run: Callable[[], Any]) -> int:
    with metered() as meter:
        run()
    return meter.count


def _times(case: Case, iterations: int, seconds: float) -> dict[str, list[float]]:
    """Milliseconds of each run. The variants take turns, so that a noisy moment hits all of them."""
    for run in case.variants.values():
        for _ in range(WARM_UP):
            run()
    times: dict[str, list[float]] = {name: [] for name in case.variants}
    end = perf_counter() + seconds
    for number in range(iterations):
        if number >= LEAST and perf_counter() > end:
            break
        for name, run in case.variants.items():
            started = perf_counter()
            run()
            times[name].append((perf_counter() - started) * 1000)
    return times


def _row(case: str, variant: str, taken: Sequence[float], queries: int, first: float) -> Row:
    median = statistics.median(taken)
    return Row(
        case=case,
        variant=variant,
        mean=statistics.fmean(taken),
        median=median,
        p95=percentile(taken, 0.95),
        least=min(taken),
        most=max(taken),
        queries=queries,
        iterations=len(taken),
        ratio=first / median,
    )


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest of `values` that at least `part` (0 to 1) of them do not exceed: the nearest rank."""
    ordered = sorted(values)
    rank = -(-len(ordered) * part // 1)
    return ordered[max(int(rank), 1) - 1]


def machine() -> str:
    """What the numbers were measured on."""
    parts = [f"{os.cpu_count()} CPUs", platform.machine(), f"Python {platform.python_version()}"]
    return ", ".join([*parts, f"{connection.display_name} {'.'.join(map(str, connection.get_database_version()))}"])


def report(bench: str, rows: Sequence[Row]) -> dict[str, Any]:
    """The JSON of one run."""
    return {"bench": bench, "machine": machine(), "rows": [row.as_json() for row in rows]}


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, milliseconds."""
    return "\n".join(_lines(rows))


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    yield "| Case | Variant | Median ms | Mean | p95 | Min | Max | Queries | Runs | Ratio |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    for row in rows:
        figures = (row.median, row.mean, row.p95, row.least, row.most)
        cells = [row.case, row.variant, *map(_figure, figures), str(row.queries), str(row.iterations)]
        yield f"| {' | '.join([*cells, f'{row.ratio:.2f}'])} |"


def _figure(milliseconds: float) -> str:
    """Three significant digits."""
    return f"{milliseconds:.3g}" if milliseconds < 1000 else f"{milliseconds:,.0f}"
