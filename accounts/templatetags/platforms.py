"""How a platform is shown beside a handle."""

from __future__ import annotations

from django import template

from accounts.platforms import PLATFORMS

register = template.Library()


@register.filter
def badge(platform: str) -> str:
    """The platform's two letters, e.g. "youtube" → "YT"."""
    return PLATFORMS[platform].badge
