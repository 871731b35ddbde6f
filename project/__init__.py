"""The composition root: settings, sign-in, roles, tokens, audit and start-up."""

from project.celery import app as celery_app

__all__ = ["celery_app"]
