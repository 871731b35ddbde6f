"""Doorways from Celery into work items. Any message may be lost: beat sends the next, and rows say what is to do."""

from __future__ import annotations

from celery import shared_task

from workitems import notifications


@shared_task
def send_notices() -> None:
    """Send the notices that are due."""
    notifications.send()
