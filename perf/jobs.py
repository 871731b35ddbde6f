"""What Celery's tasks did: runs, waits, retries and errors of each task, over a period and step by step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from perf.histograms import Histogram
from perf.reading import Window, counts, histograms, totals

ENDS = ("ok", "retried", "failed", "killed")
"""How a run may end; a killed one was ended by a time limit or with its worker."""

BAD_ENDS = frozenset({"failed", "killed"})
UNKNOWN = "(unknown)"
"""The queue of errors that the worker's main process told, of runs that did not live to: perf.celery writes it."""


@dataclass(slots=True)
class Job:
    """One task of one queue; times in seconds, of runs that lived to tell. `errors` counts classes."""

    task: str
    queue: str
    runs: Histogram = field(default_factory=Histogram)
    waits: Histogram = field(default_factory=Histogram)
    ends: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    retries: int = 0

    @property
    def count(self) -> int:
        """How many runs ended, whichever way."""
        return self.ends.total()

    @property
    def failed(self) -> int:
        """Runs that failed or were killed."""
        return sum(self.ends[end] for end in BAD_ENDS)

    @property
    def error_rate(self) -> float | None:
        """Which part of the runs failed or were killed; None without any."""
        return self.failed / self.count if self.count else None

    @property
    def troubles(self) -> list[tuple[str, int]]:
        """Its errors, the most frequent first."""
        return self.errors.most_common()


def jobs(window: Window) -> list[Job]:
    """Every task that did anything in the period, by queue; the one that took most time first."""
    found: dict[tuple[str, str], Job] = {}

    def of(task: str, queue: str) -> Job:
        return found.setdefault((task, queue), Job(task, queue))

    for labels, runs in totals("task.run", window).items():
        job = of(labels.get("task"), labels.get("queue"))
        job.ends[labels.get("outcome")] += runs.count
        job.runs.merge(runs)
    for labels, waits in totals("task.wait", window).items():
        of(labels.get("task"), labels.get("queue")).waits.merge(waits)
    for labels, many in counts("task.retries", window).items():
        of(labels.get("task"), labels.get("queue")).retries += many
    for labels, many in counts("task.errors", window).items():
        of(labels.get("task"), labels.get("queue")).errors[labels.get("error")] += many
    _add_lost(list(found.values()))
    return sorted(found.values(), key=lambda job: (-job.runs.total, job.task, job.queue))


def _add_lost(found: list[Job]) -> None:
    """Count each lost run as killed, but for those that told so themselves before they were gone."""
    told = Counter[str]()
    for job in found:
        told[job.task] += job.ends["killed"]
    for job in found:
        if job.queue == UNKNOWN:
            job.ends["killed"] += max(job.errors.total() - told[job.task], 0)


def ends_by_step(window: Window) -> list[tuple[datetime, Counter[str] | None]]:
    """How many runs of all tasks ended each way in each step; None where nothing was recorded."""
    steps: dict[datetime, Counter[str]] = {}
    for at, labels, runs in histograms("task.run", window):
        steps.setdefault(at, Counter())[labels.get("outcome")] += runs.count
    return [(at, steps.get(at)) for at in window.steps]
