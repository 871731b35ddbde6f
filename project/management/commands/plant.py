"""manage.py plant: in development, make one request slow on purpose, so that Silk and the performance page find it."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.test import Client
from django.urls import reverse


class Command(BaseCommand):
    """Asks for the planted page through every middleware, as a browser would, and says where Silk shows it."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask once, as the first administrator. Refused outside development."""
        if not apps.is_installed("silk"):
            raise CommandError("This is for development alone: run `make plant`, or set DEBUG=1.")
        administrator = get_user_model().objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if administrator is None:
            raise CommandError("There is no administrator yet: start `make dev` once, which makes one.")
        client = Client(headers={"host": settings.ALLOWED_HOSTS[0]})
        client.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")
        client.get(reverse("planted"))
        client.logout()
        self.stdout.write(f"Planted. What Silk found: {settings.BASE_URL}{_where()}")


def _where() -> str:
    """The page of Silk with the queries of the planted request."""
    from silk.models import Request  # noqa: PLC0415 - silk is there in development alone

    planted = Request.objects.filter(path=reverse("planted")).latest("start_time")
    return reverse("silk:request_sql", args=[planted.pk])
