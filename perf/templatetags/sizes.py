"""How sizes that change, and lengths of time, are written on the pages of storage and processes."""

from __future__ import annotations

from django import template
from django.utils.html import format_html

from perf.templatetags.figures import MINUS, distance, full, grouped, signed
from perf.templatetags.performance import size_words

register = template.Library()

register.filter("signed", signed)


@register.filter
def bytes_change(value: int | str | None, reason: str = "Nobody looked before") -> str:
    """Bytes more or less, with their sign, and all of them on hover: +1.2 MiB; None is an en dash with its `reason`."""
    if not isinstance(value, int):
        return full(None, reason)
    sign = "+" if value > 0 else MINUS if value < 0 else ""
    return format_html('<span title="{} bytes">{}{}</span>', grouped(value), sign, size_words(abs(value)))


@register.filter
def lasting(seconds: float) -> str:
    """How long something has lasted: 42 s, 5 min, 3 h, 2 days."""
    return distance(seconds)
