"""One worker process that works off a platform's backlog under a scaled window, asking again when its pause ends."""

from __future__ import annotations

import sys
import time
from time import monotonic

import django

django.setup()

from perf import clock  # noqa: E402  # after setup
from scraping.connectors import CONNECTORS  # noqa: E402
from scraping.connectors.base import Window  # noqa: E402
from scraping.gather import gather  # noqa: E402
from scraping.models import PlatformState, ScrapeJob  # noqa: E402

LOOK = 0.05  # seconds between looks at whether the pause is over


def main(platform: str, calls: int, seconds: float) -> None:
    """Gather until no job is open. The scaled window takes the place of the connector's own, in this process alone."""
    type(CONNECTORS[platform]).windows_for = lambda *_: (Window(calls=calls, seconds=seconds),)  # type: ignore[arg-type, assignment, method-assign, misc]  # scaled windows have fractions of a second
    while ScrapeJob.objects.filter(platform=platform).open().exists():
        gather(platform, monotonic() + 25)
        state = PlatformState.objects.filter(platform=platform, host="").first()
        if state and state.paused_until:
            time.sleep(max((state.paused_until - clock.now()).total_seconds(), 0))
        time.sleep(LOOK)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
