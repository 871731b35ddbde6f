"""Per-view caching that cannot leak: only the rendered value is kept, apart for each set of permissions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.safestring import SafeString, mark_safe

from perf.cache.keys import Family, digest, with_parameters
from perf.cache.reading import Cached, cached

Root = str | Callable[..., str]


def everyone(request: HttpRequest) -> str:
    """All callers share one answer."""
    return ""


def permissions_of(request: HttpRequest) -> str:
    """Callers with the same permissions share an answer, whoever they are."""
    if getattr(request.user, "is_superuser", False):
        return "all"
    return digest(" ".join(sorted(request.user.get_all_permissions())))[:16]


def user_of(request: HttpRequest) -> str:
    """Nobody shares: for answers whose rows depend on the user, beside their permissions."""
    return digest(f"{request.user.pk} {permissions_of(request)}")[:16]


def cached_view(
    family: Family | Callable[..., Family],
    *,
    root: Root,
    form: type[Form] | None = None,
    vary: Callable[[HttpRequest], str] = permissions_of,
) -> Callable[[Callable[..., bytes]], Callable[..., HttpResponseBase]]:
    """Answer a view that returns a ready JSON body from the cache.

    The view takes (request, filters, …path arguments) and returns bytes. `filters` are the cleaned parameters: a
    ninja schema, or the cleaned data of `form` (errors answer 400). Parameters at their default value are left out of
    the key. `root` and `family` may be functions of (request, filters, …path arguments) and (request, …path
    arguments). The body alone is stored: never cookies, CSRF tokens or messages.
    """

    def decorate(view: Callable[..., bytes]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def answer(request: HttpRequest, filters: Any = None, **path: Any) -> HttpResponseBase:
            if form is not None:
                bound = form(request.GET)
                if not bound.is_valid():
                    return HttpResponse(json.dumps({"errors": bound.errors.get_json_data()}), "application/json", 400)
                filters = bound.cleaned_data
            given = () if filters is None else (filters,)
            root_name = root(request, *given, **path) if callable(root) else root
            found = cached(
                family if isinstance(family, Family) else family(request, **path),
                with_parameters(root_name, _parameters(filters)),
                lambda: view(request, *given, **path),
                vary=vary(request),
            )
            return _response(request, found)

        return answer

    return decorate


def cached_fragment(family: Family, key: str, compute: Callable[[], str], *, vary: str = "") -> SafeString:
    """A piece of rendered HTML from the cache. It must hold no CSRF token, message or other person's rows."""
    found = cached(family, key, lambda: compute().encode(), vary=vary)
    return mark_safe(found.value.decode())  # noqa: S308  # it is what the template engine escaped and rendered


def _parameters(filters: Any) -> Mapping[str, Any]:
    """Cleaned parameters by name; those at their default are left out, so that saying it changes nothing."""
    if filters is None:
        return {}
    if hasattr(filters, "model_dump"):
        parameters: Mapping[str, Any] = filters.model_dump(mode="json", exclude_defaults=True)
        return parameters
    return {name: value for name, value in filters.items() if value not in (None, "")}


def _response(request: HttpRequest, found: Cached) -> HttpResponseBase:
    response = HttpResponse(found.value, content_type="application/json")
    etag = f'"{found.etag}"'
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["X-Cache"] = found.state
    answer = get_conditional_response(request, etag=etag, response=response)
    if answer is not None and answer is not response:
        answer["X-Cache"] = found.state
    return answer or response
