"""How many examples a property is tried on: few in the suite, EXAMPLES times as many in `make fuzz`."""

from __future__ import annotations

import os

TIMES = int(os.environ.get("EXAMPLES", "1"))
PROPERTIES = (
    "tests/scraping/connectors/test_junk.py",
    "tests/snapshots/test_recording_property.py",
    "tests/snapshots/test_rollups_property.py",
)


def examples(count: int) -> int:
    """`count`, or as many times that as were asked for."""
    return count * TIMES
