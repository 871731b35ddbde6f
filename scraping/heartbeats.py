"""Whether workers and the scheduler are at work, by when each was last seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from perf import clock
from scraping.models import Heartbeat

PROCESSES = ("worker", "beat")
SILENCE = timedelta(minutes=10)


def seen() -> dict[str, datetime]:
    """When each kind of process was last seen, on this process's clock; those never seen are left out."""
    rows = Heartbeat.objects.filter(process__in=PROCESSES).values_list("process", "seen_at", clock.db_now())
    ours = clock.now()
    return {process: ours - (now - seen_at) for process, seen_at, now in rows}


def silent(last: Mapping[str, datetime]) -> dict[str, datetime]:
    """Those of the `seen` kinds of process that were not for SILENCE, with when they last were.

    What beat sends is seen by a worker: while no worker is, nothing is known of beat.
    """
    now = clock.now()
    quiet = {process: at for process, at in last.items() if now - at >= SILENCE}
    return {"worker": quiet["worker"]} if "worker" in quiet else quiet


def states() -> dict[str, str]:
    """Each kind of process as "ok", "silent" or "never" (not seen yet)."""
    last = seen()
    quiet = silent(last)
    return {name: "silent" if name in quiet else "ok" if name in last else "never" for name in PROCESSES}
