"""App configuration of perf."""

from django.apps import AppConfig


class PerfConfig(AppConfig):
    """Measuring tools the other apps use, and what they recorded."""

    name = "perf"
