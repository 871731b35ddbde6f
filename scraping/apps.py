"""App configuration of scraping."""

from importlib import import_module

from django.apps import AppConfig

from perf.conf import setting

QUOTAS_EVERY = 60.0  # seconds


class ScrapingConfig(AppConfig):
    """From a platform to a snapshot: ledger, limits, fetch, connectors."""

    name = "scraping"

    def ready(self) -> None:
        """Connect the receiver of the registry's changes, and tell perf of the quotas once a minute."""
        import_module("scraping.rechecks")
        if setting("PERF_FLUSH_SECONDS"):  # not where only tests flush
            quotas = import_module("scraping.quotas")
            import_module("perf.flushing").periodically("scraping.quotas", QUOTAS_EVERY, quotas.tell)
