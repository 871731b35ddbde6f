"""App configuration of snapshots."""

from importlib import import_module

from django.apps import AppConfig


class SnapshotsConfig(AppConfig):
    """Daily figures of accounts and every read of them."""

    name = "snapshots"

    def ready(self) -> None:
        """Connect the receivers of the registry's changes, and of exports that are deleted."""
        import_module("snapshots.receivers")
        import_module("snapshots.exports.files")
