"""A Celery application with tasks that end in every way, for a worker of the test's own."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Any

import django
from celery import Celery, Task
from celery.exceptions import SoftTimeLimitExceeded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

QUEUE = "perf-test"
app = Celery("perf-test", set_as_current=False)
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name="works")
def works(seconds: float = 0.0) -> None:
    time.sleep(seconds)


@app.task(name="fails")
def fails() -> None:
    raise ZeroDivisionError


@app.task(name="tries-again", bind=True, max_retries=1)
def tries_again(self: Task) -> None:
    if not self.request.retries:
        raise self.retry(countdown=0.2)


@app.task(name="hangs", time_limit=1, soft_time_limit=1)
def hangs() -> None:
    while True:  # whatever it is told softly
        with suppress(SoftTimeLimitExceeded):
            time.sleep(60)


def send(task: Any, *args: Any) -> None:
    """Put a message into the test's queue."""
    task.apply_async(args, queue=QUEUE)
