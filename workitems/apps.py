"""App configuration of workitems."""

from django.apps import AppConfig


class WorkitemsConfig(AppConfig):
    """What crews saw and fixed: items, photos, review."""

    name = "workitems"
