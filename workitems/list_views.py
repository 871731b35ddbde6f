"""The page of the list of work items: filtered, searched, sorted and paged by the server, and kept for a minute."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from perf.access import requires
from perf.cache import Cached, cached, key, permissions_of, user_of
from workitems.cache import WORKITEMS
from workitems.cards import cards_of
from workitems.listing import ME, Filters, page_of


@require_safe
@requires("workitems.view_workitem")
def dashboard(request: HttpRequest) -> HttpResponse:
    """The items that the address asks for, as cards, 25 at a time."""
    filters = Filters.of(request.GET)
    found = _list(request, filters)
    context = {"filters": filters, "list": mark_safe(found.value.decode())}  # noqa: S308  # rendered by the template engine
    response = render(request, "workitems/dashboard.html", context)
    response["X-Cache"] = found.state
    return response


def _list(request: HttpRequest, filters: Filters) -> Cached:
    """The cards with their pager as HTML, apart for each address and each set of permissions."""
    vary = user_of(request) if filters.assigned_to == ME else permissions_of(request)
    return cached(
        WORKITEMS, key("workitems:page", **filters.asked), lambda: _rendered(filters, request.user), vary=vary
    )


def _rendered(filters: Filters, user: Any) -> bytes:
    """The list without anything of the one who happens to ask first: no session, no token, no message."""
    page = page_of(filters, user)
    context = {"page": page, "cards": cards_of(page.object_list), "filters": filters}
    context["request"] = SimpleNamespace(GET=filters.query)  # what the pager's links go on from
    return render_to_string("workitems/_list.html", context).encode()
