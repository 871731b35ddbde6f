"""App configuration of scraping."""

from importlib import import_module

from django.apps import AppConfig


class ScrapingConfig(AppConfig):
    """From a platform to a snapshot: ledger, limits, fetch, connectors."""

    name = "scraping"

    def ready(self) -> None:
        """Connect the receiver of the registry's changes."""
        import_module("scraping.rechecks")
