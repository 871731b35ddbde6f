"""Doorways from Celery into work items. Any message may be lost: beat sends the next, and rows say what is to do."""

from __future__ import annotations

from celery import shared_task

from workitems import bundles, janitor, keeping, notifications, processing, uploads
from workitems.models import StatusTotal

KEEP_SECONDS = 20.0  # of one round: the queue has other work
PHOTOS_A_TURN = 20  # about three seconds of a processor
PHOTOS_EVERY = 60  # seconds between two looks of beat; whoever stores a photo sends a hint at once


@shared_task
def process_photos() -> None:
    """One turn at the photos that wait; the next follows while there are any."""
    if processing.process(PHOTOS_A_TURN) == PHOTOS_A_TURN:
        process_photos.apply_async(queue="images", expires=PHOTOS_EVERY)


@shared_task
def tidy_photos() -> None:
    """One round of keeping files and rows together."""
    janitor.tidy()


@shared_task
def sweep_uploads() -> None:
    """Finish the uploads that arrived whole and were left, give up those that nobody sends."""
    uploads.sweep()


@shared_task
def rebuild_totals() -> None:
    """Count the items of each state anew, should a write past our code have left a wrong number."""
    StatusTotal.objects.rebuild()


@shared_task
def send_notices() -> None:
    """Send the notices that are due."""
    notifications.send()


@shared_task
def keep_documents() -> None:
    """Make the Word files of reviews that were completed."""
    keeping.make_due(KEEP_SECONDS)


@shared_task
def write_bundles() -> None:
    """Write the zip that waits longest; the next follows while there is any."""
    if bundles.write_next():
        write_bundles.apply_async(queue="exports", expires=60)


@shared_task
def expire_bundles() -> None:
    """Remove the zips that were kept long enough."""
    bundles.expire()
