"""How rows name the people who did something."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models


def person(related_name: str = "+") -> models.ForeignKey[Any, Any]:
    """Someone who did something; the name copied beside it outlives the account."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name=related_name,
        db_index=False,
    )
