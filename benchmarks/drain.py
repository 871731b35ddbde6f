"""A rate-limited, prioritised backlog of six platforms: how near to the ideal time it is worked off, and in order.

Each platform's window is scaled so that what does not fit into the first window takes the ideal time at its rate. The
fakes count on a clock of their own and say what was served when.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from accounts.models import Account, Organization
from benchmarks import ground
from benchmarks.ground import Line
from perf import clock
from scraping import ledger
from scraping.models import Attempt, JobState, Rank, ScrapeJob
from scraping.planning import Night

IDEAL = 120.0  # seconds: the calls beyond the first window at the platform's rate
WINDOW = 24.0  # seconds of every platform's scaled window: five of them fit into the ideal time
CALLS = {
    "truth_social": (60, 1),
    "flickr": (48, 1),
    "linkedin": (36, 1),
    "youtube": (30, 1),
    "bluesky": (12, 25),
    "x": (6, 100),
}
"""Calls per window, and how many accounts each carries."""
GOAL = 1.035


def measure(seconds: float = IDEAL) -> list[Line]:
    """Fill six platforms' queues with jobs of every rank and let a worker process for each work them off."""
    length = WINDOW * seconds / IDEAL
    with ground.fakes() as url:
        limits = {name: {"calls": calls, "seconds": length, "kind": "rolling"} for name, (calls, _) in CALLS.items()}
        ground.tell(url, reset=True, latency=[0.05, 0.2], limits=limits)
        os.environ |= {"FAKE_PLATFORMS_URL": url, "SCRAPE_WORKERS": "50"}
        os.environ |= {"SCRAPE_PAGE_PLATFORMS": "truth_social,flickr"}
        os.environ |= {f"{name.upper()}_TOKEN": "benchmark" for name in CALLS}
        os.environ["X_MONTHLY_BUDGET_USD"] = "1000000"
        for name, (calls, each) in CALLS.items():
            _fill(name, (calls + round(calls * seconds / length)) * each)
        ground.run_all("benchmarks.draining_worker", [(name, calls, length) for name, (calls, _) in CALLS.items()])
        served = _served(url)
    if ScrapeJob.objects.exclude(state=JobState.DONE).exists():
        raise RuntimeError("the backlog was not drained")
    return list(_lines(seconds, served))


def _fill(platform: str, count: int) -> None:
    """`count` accounts with jobs of all ranks, mixed."""
    owner = Organization.objects.create(name=f"Office of {platform}")
    handles = [f"user{n}.bsky.social" if platform == "bluesky" else f"user{n}" for n in range(count)]
    rows = [
        Account(
            platform=platform,
            handle=handle,
            handle_key=handle,
            organization=owner,
            external_id=str(10_000 + n) if platform == "linkedin" else "",
        )
        for n, handle in enumerate(handles)
    ]
    ledger.request_scrape(Account.objects.filter(pk__in=[a.pk for a in Account.objects.bulk_create(rows)]), None)
    for rank in Rank.values:
        jobs = ScrapeJob.objects.filter(platform=platform, account__in=[a.pk for a in rows[rank :: len(Rank.values)]])
        jobs.update(rank=rank, order_at=_order(rank))


def _order(rank: int) -> datetime:

    return Night.of(clock.today()).order(rank)


def _served(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/_fake/served?times=1", timeout=30) as answer:  # noqa: S310 - loopback
        rows: list[dict[str, Any]] = json.load(answer)["served"]
    return rows


def _lines(ideal: float, served: list[dict[str, Any]]) -> Iterator[Line]:
    worst = 0.0
    for name in CALLS:
        times = sorted(at for row in served if row["platform"] == name for at, _ in row["times"])
        drained = times[-1] - times[0]
        worst = max(worst, drained / ideal)
        yield Line(name, f"{len(times)} calls drained", drained, "s", drained / ideal)
    yield Line("all six", "drained / ideal", worst, "×", worst, f"≤ {GOAL}", worst <= GOAL)
    refused = sum(row["refused"] for row in served)
    yield Line("all six", "calls beyond a window", refused, "calls", None, "0", refused == 0)
    inversions = sum(_inversions(name) for name in CALLS)
    yield Line("all six", "inversions", inversions, "calls", None, "0", inversions == 0)


def _inversions(platform: str) -> int:
    """Calls sent before that of a better-ranked job. All jobs are due from the start, so there is no reason for any."""
    tries = Attempt.objects.filter(platform=platform).order_by("-started_at", "-id")
    best_after, wrong = max(Rank.values), 0
    for rank in tries.values_list("job__rank", flat=True):
        wrong += rank > best_after
        best_after = min(best_after, rank)
    return wrong
