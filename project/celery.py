"""The Celery application and its beat schedule, in plain sight."""

import os

from celery import Celery
from celery.schedules import crontab
from kombu import Queue

from accounts.platforms import PLATFORMS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
app = Celery("tidemark")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# One queue per platform, so that a slow one never holds the others up, beside `control` and `images`.
app.conf.task_queues = [Queue("control"), Queue("images"), *map(Queue, PLATFORMS)]

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
    "roll_up": {"task": "scraping.tasks.roll_up", "schedule": 300.0, "options": {"expires": 300}},
    "prune": {"task": "scraping.tasks.prune", "schedule": crontab(hour=6, minute=30), "options": {"expires": 3600}},
}
