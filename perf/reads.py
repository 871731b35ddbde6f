"""Which reads from the cache the requests to each route made: a counter by route and outcome (hits, stale, misses).

What the warm path answers ahead of Django is one hit each; perf.recording counts those as it passes requests on.
"""

from __future__ import annotations

from collections import Counter

from perf import recording, traces
from perf.recording import READS
from perf.traces import Trace


def count_reads(trace: Trace, _: float) -> None:
    """Count the reads of a request that has ended."""
    if trace.calls:
        for outcome, many in Counter(call.outcome for call in trace.calls).items():
            recording.count(READS, many, route=trace.what, outcome=outcome)


traces.ended.append(count_reads)
