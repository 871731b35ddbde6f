"""Telling a scrape's progress on a terminal, or line by line where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import DatabaseError, connection

from scraping.models import ScrapeRun

EVERY = 1.0  # seconds between two looks at the run
STEP = 10  # per cent between two lines
PATIENCE = 30.0  # seconds without any movement after which the rest is left to the scraping page
WIDTH = 30


class Progress:
    """Shows one run until it is over, or until what is left of it waits for the platforms' limits."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._run: ScrapeRun | None = None
        self._looked_at = 0.0
        self._told = -STEP
        self._moved_at = 0.0
        self._closed = -1

    def follow(self, run: ScrapeRun | None) -> None:
        """Tell of `run` from now on; None tells nothing."""
        self._run = run

    def show(self) -> None:
        """Say a line when the run has moved by a step or has ended. Cheap when called too often."""
        if self._run is None or time.monotonic() - self._looked_at < EVERY:
            return
        self._looked_at = time.monotonic()
        try:
            run = ScrapeRun.objects.progress().get(pk=self._run.pk)
        except (DatabaseError, ScrapeRun.DoesNotExist):  # the database restarts, or somebody deleted the run
            connection.close()
            return
        if run.closed_jobs != self._closed:
            self._closed, self._moved_at = run.closed_jobs, self._looked_at
        if run.percent >= self._told + STEP or not run.is_open:
            self._told = run.percent
            done = WIDTH * run.percent // 100
            self._say(f"First scrape [{'#' * done}{'.' * (WIDTH - done)}] {run.closed_jobs} of {run.total_jobs}")
        if not run.is_open:
            self._run = None
        elif self._looked_at - self._moved_at > PATIENCE and not run.leased_jobs:
            self._say(f"{run.due_jobs} accounts wait for their platforms; the page /scraping/ says until when.")
            self._run = None
