"""Pages about one platform and about what is late: condition, quota, last failures, the freshness promise."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.platforms import PLATFORMS, Platform
from perf import clock
from perf.access import requires
from perf.pagination import page_number, paginate
from scraping import freshness, pauses, tasks
from scraping.condition import conditions
from scraping.detail import detail_of

LATE_PER_PAGE = 50


@require_safe
@requires("scraping.view_scraperun", "accounts.view_account")
def platform(request: HttpRequest, platform: str) -> HttpResponse:
    """One platform: how it is and why, its quota windows, money, pauses, freshness and last failures."""
    context = {"detail": detail_of(_known(platform)), "now": clock.now()}
    return render(request, "scraping/platform.html", context)


@require_POST
@requires("scraping.request_scrape")
def resume(request: HttpRequest, platform: str) -> HttpResponse:
    """End a platform's pause: whoever presses says that its cause is gone. If it is not, it pauses again."""
    found = _known(platform)
    pauses.resume(found.name, request.user)
    tasks.wake()
    messages.success(request, f"{found.label} goes on. If the cause is still there, it pauses again by itself.")
    return redirect("scraping:platform", found.name)


@require_safe
@requires("scraping.view_scraperun", "accounts.view_account")
def late(request: HttpRequest) -> HttpResponse:
    """The accounts without a figure as new as promised, longest unseen first, each with why."""
    chosen = {"tier": request.GET.get("tier", ""), "platform": request.GET.get("platform", "")}
    tier = chosen["tier"] if chosen["tier"] in freshness.Tier.values else ""
    name = chosen["platform"] if chosen["platform"] in PLATFORMS else ""
    page = paginate(
        freshness.outside(tier, name),
        order=freshness.LATE_ORDER,
        page=page_number(request.GET.get("page")),
        per_page=LATE_PER_PAGE,
        after=request.GET.get("after", ""),
        clamp=True,
    )
    found = list(page.object_list)
    rows = freshness.explained(found, conditions({row.platform for row in found}))
    context: dict[str, Any] = {"page": page, "rows": rows, "tier": tier, "platform": name, "tiers": freshness.Tier}
    context |= {"shares": freshness.shares(), "platforms": PLATFORMS.values(), "now": clock.now()}
    return render(request, "scraping/late.html", context)


def _known(name: str) -> Platform:
    """The platform of that name; an unknown one has no page."""
    if name not in PLATFORMS:
        raise Http404
    return PLATFORMS[name]
