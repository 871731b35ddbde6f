"""Why there is no figure, in words for people."""

from __future__ import annotations

from django import template

from scraping import outcomes

register = template.Library()


@register.filter
def reason(outcome: str | None) -> str:
    """What an outcome means, e.g. "timeout" → "No answer in time"; empty for none."""
    return outcomes.label(outcome or "")
