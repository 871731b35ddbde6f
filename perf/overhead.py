"""What measuring costs, and doing less of it while that is too much."""

from __future__ import annotations

import logging
from time import monotonic

from perf import recording
from perf.conf import setting
from perf.traces import Detail

log = logging.getLogger(__name__)

LISTS = "traces"  # shed: what they list, not what was asked
REST_SECONDS = 60.0  # without lists of queries, once they cost too much
LEAST_SECONDS = 5.0  # a share of less says nothing


class _Watch:
    """When the share was last looked at, and until when traces list nothing."""

    since = monotonic()
    rests_until = 0.0


def settle(spent: float) -> float:
    """Look at the seconds `spent` on measuring since the last time; returns their share of one core.

    Above PERF_MAX_SHARE traces count and time what is asked and list none of it for REST_SECONDS, which is counted
    under perf.shed and told in the log.
    """
    now = monotonic()
    share = spent / max(now - _Watch.since, LEAST_SECONDS)
    _Watch.since = now
    if share > setting("PERF_MAX_SHARE"):
        if Detail.wanted:
            log.warning(
                "Measuring took %.1f %% of a core: queries are counted, but not listed, for a while", share * 100
            )
            recording.count(recording.SHED, what=LISTS)
        Detail.wanted, _Watch.rests_until = False, now + REST_SECONDS
    elif not Detail.wanted and now >= _Watch.rests_until:
        Detail.wanted = True
    return share
