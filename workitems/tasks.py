"""Doorways from Celery into work items. Any message may be lost: beat sends the next, and rows say what is to do."""

from __future__ import annotations

from celery import shared_task

from workitems import janitor, notifications, processing

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
def send_notices() -> None:
    """Send the notices that are due."""
    notifications.send()
