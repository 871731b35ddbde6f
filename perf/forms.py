"""What a browser may say about a page it showed."""

from __future__ import annotations

from functools import cache

from django import forms
from django.core.exceptions import ValidationError
from django.urls import URLPattern, URLResolver, get_resolver

from perf.models import PageView

MOST_MS = 3_600_000  # an hour: whatever took longer was a device asleep


@cache
def routes() -> frozenset[str]:
    """The names of all addresses, with their namespaces, as `request.resolver_match.view_name` tells them."""

    def named(patterns: list[URLPattern | URLResolver], space: str) -> list[str]:
        found = []
        for one in patterns:
            if isinstance(one, URLResolver):
                found += named(one.url_patterns, f"{space}{one.namespace}:" if one.namespace else space)
            elif one.name:
                found.append(f"{space}{one.name}")
        return found

    return frozenset(named(get_resolver().url_patterns, ""))


class PageViewForm(forms.ModelForm):
    """A known route, and times from none to an hour; what is left out was not measured."""

    class Meta:
        model = PageView
        fields = (
            "route", "answered_ms", "ready_ms", "loaded_ms", "painted_ms", "interaction_ms", "long_tasks", "long_ms",
        )  # fmt: skip

    def clean_route(self) -> str:
        """The route, where it is one of ours."""
        route: str = self.cleaned_data["route"]
        if route not in routes():
            raise ValidationError("No page has this name.")
        return route

    def clean(self) -> dict[str, int | str | None]:
        """Everything, where no time is beyond MOST_MS."""
        for name, value in list(self.cleaned_data.items()):
            if isinstance(value, int) and value > MOST_MS:
                self.add_error(name, f"More than {MOST_MS:,}.")
        return self.cleaned_data
