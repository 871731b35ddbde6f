"""App configuration of scraping."""

from django.apps import AppConfig


class ScrapingConfig(AppConfig):
    """From a platform to a snapshot: ledger, limits, fetch, connectors."""

    name = "scraping"
