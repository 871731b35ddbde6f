"""App configuration of accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Tracked social profiles (not people): the registry and the roster import."""

    name = "accounts"
