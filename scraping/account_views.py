"""The parts about gathering that one account's page shows: its promise, the fetch under way, the tries so far."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.models import Account
from perf import clock
from perf.access import requires
from perf.pagination import page_number, paginate
from scraping import samples
from scraping.models import Attempt
from scraping.standing import next_try, progress_of, promise_for

ATTEMPTS_PER_PAGE = 10


@require_safe
@requires("scraping.view_scraperun", "accounts.view_account")
def standing(request: HttpRequest, pk: int) -> HttpResponse:
    """What is promised for an account, and the fetch under way or, with ?run=, the one that a run asked for."""
    found = get_object_or_404(Account.objects.visible_to(request.user).select_related("organization"), pk=pk)
    asked = request.GET.get("run", "")
    run = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else None
    context: dict[str, Any] = {"account": found, "progress": progress_of(found, run), "next_try": next_try(found)}
    return _part(request, "standing", context | {"promise": promise_for(found), "now": clock.now()})


@require_safe
@requires("scraping.view_scraperun", "accounts.view_account")
def attempts(request: HttpRequest, pk: int) -> HttpResponse:
    """The tries at one account, newest first, with what came of each and what was kept."""
    found = get_object_or_404(Account.objects.visible_to(request.user).select_related("organization"), pk=pk)
    page = paginate(
        samples.with_sample(Attempt.objects.visible_to(request.user).filter(account=found)),
        order=("-started_at", "-pk"),
        page=page_number(request.GET.get("page")),
        per_page=ATTEMPTS_PER_PAGE,
        after=request.GET.get("after", ""),
        clamp=True,
    )
    return _part(request, "attempts", {"account": found, "page": page, "next_try": next_try(found)})


def _part(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """The part alone for the account's page, which says so as htmx does; a page of its own for everybody else."""
    alone = request.headers.get("HX-Request") == "true"
    response = render(request, f"scraping/_{name}.html" if alone else f"scraping/{name}.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response
