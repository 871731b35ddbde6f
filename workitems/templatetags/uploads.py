"""The part of a page that keeps and sends this device's photos."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.template import Context

from workitems.models import WorkItem

register = template.Library()


@register.inclusion_tag("workitems/_uploads.html", takes_context=True)
def uploads(context: Context, item: WorkItem | None = None) -> dict[str, Any]:
    """What waits on this device: for `item` or else the page's, or for all; a form's photos are taken over."""
    item = item or context.get("item")
    return {
        "user": context["user"],
        "item": item,
        "most": settings.MAX_PHOTOS - (item.photo_count if item else 0),
        "bytes": settings.MAX_PHOTO_BYTES,
    }
