"""Per-view caching that cannot leak: only the rendered value is kept, apart for each set of permissions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any, NamedTuple

from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.safestring import SafeString, mark_safe

from perf.cache.keys import Family, Slot, digest, with_parameters
from perf.cache.reading import Cached, cached
from perf.cache.record import Record
from perf.compression import encoding_for, etag_header

Root = str | Callable[..., str]

OFFER = "perf.cache.offer"  # in request.META, which is the server's own environ


class Offer(NamedTuple):
    """What the view answered `user` from, for the warm path to answer the same without Django; None: nothing kept."""

    slot: Slot
    record: Record | None
    user: Any


def everyone(request: HttpRequest, *filters: object) -> str:
    """All callers share one answer."""
    return ""


def permissions_of(request: HttpRequest, *filters: object) -> str:
    """Callers with the same permissions share an answer, whoever they are."""
    if getattr(request.user, "is_superuser", False):
        return "all"
    return digest(" ".join(sorted(request.user.get_all_permissions())))[:16]


def user_of(request: HttpRequest, *filters: object) -> str:
    """Nobody shares: for answers whose rows depend on the user, beside their permissions."""
    return digest(f"{request.user.pk} {permissions_of(request)}")[:16]


def cached_view(
    family: Family | Callable[..., Family],
    *,
    root: Root,
    form: type[Form] | None = None,
    vary: Callable[..., str] = permissions_of,
) -> Callable[[Callable[..., bytes]], Callable[..., HttpResponseBase]]:
    """Answer a view that returns a ready JSON body from the cache.

    The view takes (request, filters, …path arguments) and returns bytes. `filters` are the cleaned parameters: a
    ninja schema, or the cleaned data of `form` (errors answer 400). Parameters at their default value are left out of
    the key. `root` and `family` may be functions of (request, filters, …path arguments) and (request, …path
    arguments), and `vary` is one of (request, filters): whose answer it is depends on what is asked for as the view
    reads it, never on the address. The body alone is stored: never cookies, CSRF tokens or messages.
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
            own = family if isinstance(family, Family) else family(request, **path)
            slot = Slot(own, with_parameters(root_name, _parameters(filters)), vary(request, *given))
            found = cached(*slot[:2], partial(view, request, *given, **path), vary=slot.vary)
            if vary is permissions_of:
                request.META[OFFER] = Offer(slot, found.record, request.user)
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
        given = filters.model_dump(mode="json", exclude_defaults=True)
        return {name: "" if value is None else value for name, value in given.items()}  # None, said where it is unusual
    return {name: value for name, value in filters.items() if value not in (None, "")}


def _response(request: HttpRequest, found: Cached) -> HttpResponseBase:
    """The answer to send, pressed where that has been done."""
    response = HttpResponse(content_type="application/json")
    response.content, encoding = _body(request, found)
    if encoding:
        response["Content-Encoding"] = encoding
    etag = etag_header(found.etag, encoding)
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["X-Cache"] = found.state
    patch_vary_headers(response, ("Accept-Encoding", "Authorization", "Cookie"))
    answer = get_conditional_response(request, etag=etag, response=response)
    if answer is not None and answer is not response:
        answer["X-Cache"] = found.state
    return answer or response


def _body(request: HttpRequest, found: Cached) -> tuple[bytes, str]:
    if found.record is None:
        return found.value, ""
    return found.record.body(encoding_for(request.headers.get("Accept-Encoding", "")))
