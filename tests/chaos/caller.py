"""A process that calls as fast as a limit lets it and writes down when: `python -m tests.chaos.caller FILE SECONDS`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import django

SECONDS_A_CALL = 0.01
CALLS_AT_ONCE = 5


def main(path: Path, seconds: float) -> None:
    """Append the instant of every call (nanoseconds of the machine's monotonic clock) to `path`, for `seconds`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from perf import clock
    from scraping import limits
    from tests.chaos.quotas import LIMIT

    calls = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    end = time.monotonic() + seconds
    print("ready", flush=True)
    while time.monotonic() < end:
        permit = limits.acquire(LIMIT, [limits.Ask()] * CALLS_AT_ONCE)
        if isinstance(permit, limits.Wait):
            time.sleep(min(max((permit.until - clock.now()).total_seconds(), 0.005), 1))
            continue
        for _ in range(permit.covers):
            os.write(calls, b"%d\n" % time.monotonic_ns())
            time.sleep(SECONDS_A_CALL)
        limits.give_back(LIMIT, permit, permit.covers, permit.dollars)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
