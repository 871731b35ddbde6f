"""{% pages page "work items" %}: the numbered links below a list."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest, QueryDict

from perf.pagination import Query, SeekPage

register = template.Library()


@register.inclusion_tag("perf/_pages.html", takes_context=True)
def pages(context: template.Context, page: SeekPage, things: str) -> dict[str, Any]:
    """Links of `page` that keep the address's other parameters (filters, sort, search, size)."""
    request: HttpRequest = context["request"]
    links = [(label, query and _address(request.GET, query)) for label, query in page.links]
    figures = {"start": page.start_index(), "end": page.end_index(), "total": page.total}
    shown = {name: f"{figure:,}" for name, figure in figures.items()}
    return {"page": page, "things": things, "links": links, "shown": shown}


def _address(present: QueryDict, query: Query) -> str:
    """The query string of `present` with the page and cursor of `query`."""
    changed = present.copy()
    changed.pop("after", None)
    for name, value in query.items():
        changed[name] = str(value)
    return f"?{changed.urlencode()}"
