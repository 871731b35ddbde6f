"""How long something took, from hundredths of a second to days."""

from __future__ import annotations

from django import template

from perf.templatetags.figures import duration, full

register = template.Library()


@register.filter
def seconds(value: float | None) -> str:
    """A time to hundredths below ten seconds, to tenths below a minute, then as figures.duration; None is a dash."""
    if value is None:
        return full(None, "Nothing was timed")
    if value >= 60:
        return duration(value)
    return f"{value:.{2 if value < 10 else 1}f}\N{NO-BREAK SPACE}s"
