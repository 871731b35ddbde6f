"""App configuration of project."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The composition root: settings, sign-in, roles, tokens, audit and start-up."""

    name = "project"
