"""How the cache answers, as JSON."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from perf import reading
from perf.access import requires
from perf.api.schemas import Asked, Period, period_data
from perf.families import FamilyReads, families, reads_by_step, together

router = Router()


class CacheReads(Schema):
    """Reads of all processes: `stale` ones were answered while another reader computed anew.

    `hit_rate` (0 to 1) counts those in; null of no reads. `bytes` came from the cache, before compression; computing
    the answers would have taken `saved` seconds.
    """

    reads: int
    hits: int
    stale: int
    misses: int
    hit_rate: float | None
    bytes: int
    saved: float


class FamilyOut(CacheReads):
    """What is kept and forgotten together."""

    family: str


class ReadsOut(Schema):
    """The reads of one step from `at` on; null where nothing was recorded."""

    at: dt.datetime
    hits: int | None
    stale: int | None
    misses: int | None


class CacheOut(Period):
    """All reads, those of each family, the most read first, and all step by step."""

    whole: CacheReads
    families: list[FamilyOut]
    steps: list[ReadsOut]


@router.get("/performance/cache", response=CacheOut, summary="How the cache answers, family by family")
@requires("perf.view_performance")
def performance_cache(request: HttpRequest, asked: Query[Asked]) -> dict[str, Any]:
    """Hits, misses, bytes and time saved of a period."""
    window = reading.window(asked.period)
    found = families(window)
    return {
        **period_data(asked.period, window),
        "whole": reads_data(together(found)),
        "families": [{"family": one.family, **reads_data(one)} for one in found],
        "steps": [step._asdict() for step in reads_by_step(window)],
    }


def reads_data(reads: FamilyReads) -> dict[str, Any]:
    """CacheReads of `reads`."""
    names = ("reads", "hits", "stale", "misses", "hit_rate", "bytes", "saved")
    return {name: getattr(reads, name) for name in names}
