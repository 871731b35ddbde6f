"""Doorways from Celery into exports. Any message may be lost: beat sends the next, and the rows say what is to do."""

from __future__ import annotations

from time import monotonic

from celery import shared_task

from snapshots.exports import files, writing

TURN_SECONDS = 10  # how long one message keeps a worker at one export


@shared_task
def write_exports() -> None:
    """One turn at the export that has waited longest; the next follows while there is any."""
    if writing.write_some(monotonic() + TURN_SECONDS):
        write_exports.apply_async(queue="exports", expires=TURN_SECONDS)


@shared_task
def expire_exports() -> None:
    """Remove the files that were kept long enough."""
    files.expire()
