"""The page of the list of accounts: searched, filtered, sorted, summed and paged by the server."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.models import Account
from perf import clock
from perf.access import requires
from perf.pagination import SeekPage, page_number, paginate
from snapshots.listing import COOKIE, DEFAULT_SORT, Choices, Filters, Shown, tidied
from snapshots.listing_columns import KNOWN, LATEST
from snapshots.listing_totals import of_columns

ROWS_PER_PAGE = 50
COOKIE_DAYS = 365


@require_safe
@requires("accounts.view_account", "snapshots.view_snapshot")
def accounts(request: HttpRequest) -> HttpResponse:
    """All accounts that the address asks for, with their figures of a day, fifty at a time."""
    if answer := _settled(request):
        return answer
    filters = Filters.of(request.GET)
    shown, page = Shown.of(request.GET, request.COOKIES.get(COOKIE, ""), filters), _page(request, filters)
    context = {"page": page, "filters": filters, "shown": shown, "choices": Choices.of(filters)}
    return render(request, "snapshots/accounts.html", context | _table(shown, page))


def _page(request: HttpRequest, filters: Filters) -> SeekPage:
    rows, total = filters.rows(Account.objects.visible_to(request.user))
    return paginate(
        rows,
        order=filters.order,
        page=page_number(request.GET.get("page")),
        per_page=ROWS_PER_PAGE,
        after=request.GET.get("after", ""),
        total=total,
        clamp=True,
    )


def _table(shown: Shown, page: SeekPage) -> dict[str, Any]:
    """What the table and its menus show."""
    filters = shown.filters
    return {
        "rows": shown.rows(list(page.object_list)),
        "totals": of_columns(filters, shown.columns) if page.object_list else [],
        "known": KNOWN.values(),
        "latest": LATEST,
        "default_sort": DEFAULT_SORT,
        "rows_day": filters.on,
        "today": clock.today(),
    }


def _settled(request: HttpRequest) -> HttpResponse | None:
    """Leads to the tidy address: the browser keeps the columns chosen for good; a form's empty fields go."""
    query = request.GET
    keeps, resets = "keep" in query, "reset" in query
    if not (keeps or resets or "" in (value for _, values in query.lists() for value in values)):
        return None
    there = redirect(f"{request.path}?{tidied(query)}".rstrip("?"))
    if resets:
        there.delete_cookie(COOKIE)
    elif keeps:
        kept = Shown.of(query, "", Filters.of(QueryDict())).chosen
        kind: dict[str, Any] = {"samesite": "Lax", "httponly": True, "secure": settings.SESSION_COOKIE_SECURE}
        there.set_cookie(COOKIE, kept, max_age=COOKIE_DAYS * 86_400, **kind)
    return there
