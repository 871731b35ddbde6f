"""The Celery application and its beat schedule, in plain sight."""

from __future__ import annotations

import os
from datetime import datetime
from threading import Event, Thread
from typing import Any

import django
from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init, worker_init, worker_ready
from django.core.checks import run_checks
from kombu import Queue

from accounts.platforms import PLATFORMS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")


class Application(Celery):
    """Celery whose present is that of the broker, for whoever sends a message and whoever takes it."""

    def now(self) -> datetime:
        """The broker's instant, in our zone."""
        from project.broker_time import broker_time  # noqa: PLC0415 - it reads the settings, which are loaded only now

        return broker_time.now().astimezone(self.timezone)


app = Application("tidemark")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_scheduler = "project.punctual:Scheduler"
app.Task.Request = "project.punctual:Request"
app.autodiscover_tasks()

# One queue per platform, so that a slow one never holds the others up, beside `control` and `images`; `exports` comes
# last: what a worker may do of it, it does when nothing else waits. All that touches files which are in no store but on
# one disk (exports, bundles, pieces of uploads) is in it, so that one host of several can have it to itself.
app.conf.task_queues = [Queue("control"), Queue("images"), *map(Queue, PLATFORMS), Queue("exports")]

# Every task is level-triggered: run late, twice or at once it comes to the same rows. `expires` drops what piled up.
app.conf.beat_schedule = {
    "plan": {"task": "scraping.tasks.plan", "schedule": 300.0, "options": {"expires": 300}},
    "sweep": {"task": "scraping.tasks.sweep", "schedule": 30.0, "options": {"expires": 30}},
    "dispatch": {
        "task": "scraping.tasks.dispatch",
        "schedule": 10.0,
        "kwargs": {"by": "beat"},
        "options": {"expires": 10},
    },
    "watch": {"task": "scraping.tasks.watch", "schedule": 60.0, "options": {"expires": 60}},
    "roll_up": {"task": "scraping.tasks.roll_up", "schedule": 300.0, "options": {"expires": 300}},
    "write_exports": {
        "task": "snapshots.tasks.write_exports",
        "schedule": 5.0,
        "options": {"queue": "exports", "expires": 5},
    },
    "expire_exports": {
        "task": "snapshots.tasks.expire_exports",
        "schedule": 600.0,
        "options": {"queue": "exports", "expires": 600},
    },
    "process_photos": {
        "task": "workitems.tasks.process_photos",
        "schedule": 60.0,
        "options": {"queue": "images", "expires": 60},
    },
    "tidy_photos": {
        "task": "workitems.tasks.tidy_photos",
        "schedule": 600.0,  # a part of them each time: see workitems.janitor
        "options": {"queue": "images", "expires": 600},
    },
    "sweep_uploads": {
        "task": "workitems.tasks.sweep_uploads",
        "schedule": 600.0,
        "options": {"queue": "exports", "expires": 600},
    },
    "keep_documents": {"task": "workitems.tasks.keep_documents", "schedule": 30.0, "options": {"expires": 30}},
    "write_bundles": {
        "task": "workitems.tasks.write_bundles",
        "schedule": 5.0,
        "options": {"queue": "exports", "expires": 5},
    },
    "expire_bundles": {
        "task": "workitems.tasks.expire_bundles",
        "schedule": 600.0,
        "options": {"queue": "exports", "expires": 600},
    },
    "rebuild_totals": {
        "task": "workitems.tasks.rebuild_totals",
        "schedule": crontab(hour=5, minute=30),
        "options": {"expires": 3600},
    },
    "send_notices": {"task": "workitems.tasks.send_notices", "schedule": 30.0, "options": {"expires": 30}},
    "prune": {"task": "project.tasks.prune", "schedule": crontab(hour=6, minute=30), "options": {"expires": 3600}},
}


@worker_init.connect
def refuse_wrong_settings(**_: Any) -> None:
    """End a worker whose settings no web server would start with; Celery by itself runs the checks and goes on."""
    django.setup()
    if wrong := [message for message in run_checks() if message.is_serious()]:
        raise SystemExit("\n".join(map(str, wrong)))


@worker_ready.connect
def watch_beat(sender: Any, **_: Any) -> None:
    """Let every worker ask for a look each minute by itself: when beat is gone, nobody else does."""
    from scraping import tasks  # noqa: PLC0415 - the apps are loaded only now

    if before := getattr(sender, "asks_for_a_look", None):
        before.cancel()  # a worker is ready again whenever its broker came back
    sender.asks_for_a_look = sender.timer.call_repeatedly(60.0, tasks.watch_without_beat)


@beat_init.connect
def watch_workers(**_: Any) -> None:
    """Let beat look by itself when no worker does it."""
    from scraping import alerts  # noqa: PLC0415 - the same

    Thread(target=alerts.watch_for_workers, args=[Event()], name="watch", daemon=True).start()
