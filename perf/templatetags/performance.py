"""Parts of the performance pages."""

from __future__ import annotations

from django import template

from perf.sections import Tab, tabs

register = template.Library()


@register.simple_tag(takes_context=True)
def performance_tabs(context: template.Context) -> list[Tab]:
    """The tabs of the performance pages, as they stand on the page that is asked for."""
    return tabs(context["request"].path)
