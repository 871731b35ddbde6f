"""One worker process that gathers a platform until nothing is due, its quota lifted; prints what it took.

Lifting quotas is possible here alone: this process replaces the connectors' windows before it starts.
"""

from __future__ import annotations

import json
import resource
import sys
from time import monotonic, perf_counter

import django

django.setup()

from scraping.connectors import CONNECTORS  # noqa: E402  # after setup
from scraping.connectors.base import Window  # noqa: E402
from scraping.gather import gather  # noqa: E402

HUGE = (Window(calls=1_000_000_000, seconds=1),)


def cpu_seconds() -> float:
    """What this process and its ended children have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(platform: str) -> None:
    """Gather and print {"accounts", "seconds", "cpu"}."""
    type(CONNECTORS[platform]).windows = HUGE
    started, used, accounts = perf_counter(), cpu_seconds(), 0
    while settled := gather(platform, monotonic() + 25):
        accounts += settled
    print(json.dumps({"accounts": accounts, "seconds": perf_counter() - started, "cpu": cpu_seconds() - used}))


if __name__ == "__main__":
    main(sys.argv[1])
