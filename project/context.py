"""What every page knows: whether it shows demo data, and how many of its views are timed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def product(request: HttpRequest) -> dict[str, Any]:
    """Template variables common to all pages."""
    return {"demo": settings.DEMO, "page_view_sample": settings.PAGE_VIEW_SAMPLE}
