"""A small project of somebody else's, with a queue that nobody reads."""

from celery import Celery

queue = Celery("harbour", broker="memory://", set_as_current=True)
