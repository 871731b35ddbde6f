"""App configurations of project: itself, and the admin with our site."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class ProjectConfig(AppConfig):
    """The composition root: settings, sign-in, roles, tokens, audit and start-up."""

    name = "project"
    default = True

    def ready(self) -> None:
        """Connect the audit log, forgetting identities, the length of sessions, the roles and the system checks."""
        from django.contrib.auth.signals import user_logged_in  # noqa: PLC0415 - models are loaded only now

        from project import audit, checks, identities  # noqa: F401, PLC0415 - importing connects receivers and checks
        from project.sessions import begin  # noqa: PLC0415 - the same

        user_logged_in.connect(begin, dispatch_uid="project.session_length")
        post_migrate.connect(sync_roles_after_last_app, dispatch_uid="project.sync_roles")


class TidemarkAdminConfig(admin_apps.AdminConfig):
    """Django's admin, on our site: its sign-in is ours and its door is a permission."""

    default = False  # named in INSTALLED_APPS; the app itself is ProjectConfig
    default_site = "project.admin_site.Site"


def sync_roles_after_last_app(sender: AppConfig, verbosity: int = 1, using: str = "default", **_: Any) -> None:
    """Receiver of post_migrate: once every app's permissions exist, give the roles theirs."""
    from django.contrib.auth.management import create_permissions  # noqa: PLC0415 - models are loaded only now

    from project.roles import sync_roles  # noqa: PLC0415 - the same

    told = [config for config in apps.get_app_configs() if config.models_module is not None]
    if sender == told[-1]:
        create_permissions(sender, verbosity, using=using)  # whose own receiver may come after this one
        sync_roles()
