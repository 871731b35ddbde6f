"""App configuration of workitems."""

from django.apps import AppConfig


class WorkitemsConfig(AppConfig):
    """What crews saw and fixed: items, photos, review."""

    name = "workitems"

    def ready(self) -> None:
        from workitems import checks, janitor, search_index  # noqa: F401, PLC0415 - they register checks and a receiver
