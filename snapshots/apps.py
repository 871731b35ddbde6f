"""App configuration of snapshots."""

from django.apps import AppConfig


class SnapshotsConfig(AppConfig):
    """Daily figures of accounts and every read of them."""

    name = "snapshots"
