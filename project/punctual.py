"""Beat and worker by the broker's clock: a wrong clock of ours makes no message old, and no step stops beat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from celery.beat import PersistentScheduler
from celery.worker.request import Request as CeleryRequest
from celery.worker.state import revoked

from project.celery import app

STEP = timedelta(seconds=2)  # more is no unevenness of two answers, but a clock that was put back


class Scheduler(PersistentScheduler):
    """Celery's own, which else sends nothing after its clock was put back until it is as late again as it was."""

    def tick(self, *args: Any, **options: Any) -> float:
        """Send what is due; the seconds until something is."""
        now = self.app.now()
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at and entry.last_run_at > now + STEP]
        if ahead:
            for entry in ahead:
                entry.last_run_at = now
            self._heap = None  # it goes by the instants that are no longer true
        wait: float = super().tick(*args, **options)
        return wait


class Request(CeleryRequest):
    """A message that a worker took, which goes by the same clock as its sender to see whether it is too late for it."""

    def maybe_expire(self) -> Literal[True] | None:
        """Whether it came too late; it is dropped then."""
        if self.expires is None or app.now() <= self.expires:
            return None
        revoked.add(self.id)
        return True
