"""Where in the project's code something stands: a model's index, a view."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from django.db.models import Model
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from perf.places import defined, shown


def is_own(model: type[Model]) -> bool:
    """Whether `model` is written in the project, and not in a package it uses."""
    file = getattr(sys.modules.get(model.__module__), "__file__", None)
    return isinstance(file, str) and bool(shown(file, 1).file)


@cache
def line_of(model: type[Model], words: str) -> str:
    """ "file:line" of the first line of `model` that holds `words`, of its class where none does; empty if unknown."""
    return _line(model, words)


@cache
def line_of_route(route: str) -> str:
    """ "file:line" of the view of `route`; empty if there is none of that name."""
    view = _views().get(route)
    return str(defined(view)) if view else ""


def _line(source: Any, words: str) -> str:
    try:
        lines, first = inspect.getsourcelines(source)
        path = inspect.getsourcefile(source)
    except (OSError, TypeError):  # written in a shell, or compiled without its source
        return ""
    found = next((number for number, line in enumerate(lines) if words and words in line), 0)
    return str(shown(path or "", first + found))


@cache
def _views() -> dict[str, Callable[..., Any]]:
    """Every view by its route, as a request names it."""

    def named(patterns: list[URLPattern | URLResolver], space: str) -> dict[str, Callable[..., Any]]:
        found: dict[str, Callable[..., Any]] = {}
        for one in patterns:
            if isinstance(one, URLResolver):
                found |= named(one.url_patterns, f"{space}{one.namespace}:" if one.namespace else space)
            elif one.name:
                found[f"{space}{one.name}"] = one.callback
        return found

    return named(get_resolver().url_patterns, "")
