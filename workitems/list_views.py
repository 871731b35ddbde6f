"""The page of the list of work items: filtered, searched, sorted and paged by the server, and kept for a minute."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from perf.access import requires
from perf.cache import Cached, cached, key, permissions_of, user_of
from perf.pagination import SeekPage
from perf.rates import rated
from workitems.around import around
from workitems.cache import WORKITEMS
from workitems.cards import Card, cards_of
from workitems.desk import desk
from workitems.exports import export_items
from workitems.listing import ME, Filters, page_of
from workitems.search import words_of
from workitems.workflow import Status


@require_safe
@requires("workitems.view_workitem")
def dashboard(request: HttpRequest) -> HttpResponse:
    """The items that the address asks for, as cards, 25 at a time."""
    filters = Filters.of(request.GET)
    if "" in request.GET.values():
        return redirect(f"{request.path}?{filters.query.urlencode()}".rstrip("?"))
    found = _list(request, filters)
    context = {"filters": filters, "around": around(), "states": Status.choices, "desk": desk(request)}
    context["list"] = mark_safe(found.value.decode())  # noqa: S308  # rendered by the template engine
    response = render(request, "workitems/dashboard.html", context)
    response["X-Cache"] = found.state
    return response


@require_safe
@requires("workitems.view_workitem")
@rated("exports")
def export(request: HttpRequest) -> StreamingHttpResponse:
    """All the items that the address asks for, whatever the page, as CSV."""
    return export_items(Filters.of(request.GET), request.user)


def _list(request: HttpRequest, filters: Filters) -> Cached:
    """The cards with their pager as HTML, apart for each address and each set of permissions."""
    vary = user_of(request) if filters.assigned_to == ME else permissions_of(request)
    return cached(
        WORKITEMS, key("workitems:page", **filters.asked), lambda: _rendered(filters, request.user), vary=vary
    )


def _rendered(filters: Filters, user: Any) -> bytes:
    """The list without anything of the one who happens to ask first: no session, no token, no message."""
    page = page_of(filters, user)
    return list_html(filters, page, cards_of(list(page.object_list), words_of(filters.search)))


def list_html(filters: Filters, page: SeekPage, cards: list[Card]) -> bytes:
    """The cards of `page` with its pager, whose links go on from what `filters` ask."""
    context = {"page": page, "cards": cards, "filters": filters, "request": SimpleNamespace(GET=filters.query)}
    return render_to_string("workitems/_list.html", context).encode()
