"""What every page knows: the product's name and whether it shows demo data."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def product(request: HttpRequest) -> dict[str, Any]:
    """Template variables common to all pages."""
    return {"demo": settings.DEMO}
