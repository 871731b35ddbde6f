"""Doorways from Celery into what concerns all apps."""

from __future__ import annotations

from celery import shared_task

from project import retention


@shared_task
def prune() -> None:
    """Delete what is older than it is kept."""
    retention.prune()
