"""How long something took, from hundredths of a second to days."""

from __future__ import annotations

from django import template

from perf.templatetags.figures import distance, duration, full

register = template.Library()


@register.filter
def seconds(value: float | None) -> str:
    """A time to hundredths below ten seconds, to tenths below a minute, then as figures.duration; None is a dash."""
    if value is None:
        return full(None, "Nothing was timed")
    if value >= 60:
        return duration(value)
    if 0 < value < 0.005:
        return "< 0.01\N{NO-BREAK SPACE}s"
    return f"{value:.{2 if value < 10 else 1}f}\N{NO-BREAK SPACE}s"


@register.filter
def span(value: float) -> str:
    """The length of a window of time in its largest sensible unit: 15 min, 1 h."""
    return distance(value)
