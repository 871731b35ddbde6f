"""The page that is opened every morning: all accounts at a glance over a period, and the days that its chart draws."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from accounts.platforms import PLATFORMS
from perf import clock
from perf.access import requires
from perf.cache import cached, cached_fragment, key, permissions_of
from snapshots import overview as reads
from snapshots.cache import SUMMARY
from snapshots.models import Snapshot
from snapshots.periods import Period, kept_fields
from snapshots.sidebar_views import beside

LOOKS_SHOWN = 10


@require_safe
@requires("snapshots.view_snapshot")
def overview(request: HttpRequest) -> HttpResponse:
    """Totals, changes over a period, platforms, organisations, and what needs a look; the figures from the cache."""
    period = Period.of(request.GET)
    figures = cached_fragment(
        SUMMARY,
        _name("overview", period),
        lambda: render_to_string("snapshots/_figures.html", _figures(period), request),
        vary=permissions_of(request),
    )
    context = {"figures": figures, "period": period, "kept": kept_fields(request.GET)}
    return render(request, "snapshots/overview.html", context | beside(request, period))


def _name(root: str, period: Period) -> str:
    """The key of what is kept of a period; who is fresh is somebody else tomorrow."""
    return key(root, f"{period.start}", f"{period.end}", f"{period.choice or 'own'}", f"{clock.today()}")


def _figures(period: Period) -> dict[str, Any]:
    platforms = reads.platform_rows(period)
    total = reads.total_of(platforms)
    organizations = reads.organization_rows(period)
    looks = reads.needing_a_look()
    return {
        "period": period,
        "platforms": platforms,
        "total": total,
        "organizations": reads.shown(organizations),
        "organization_count": len(organizations),
        "gained": reads.extreme(period),
        "lost": reads.extreme(period, lost=True),
        "spark": reads.summed(reads.trend(period)[1]),
        "looks": looks[:LOOKS_SHOWN],
        "look_count": looks.count(),
        "suspect_count": Snapshot.objects.to_judge().count(),
    }


@require_safe
@requires("snapshots.view_snapshot")
def trend(request: HttpRequest) -> HttpResponse:
    """Followers per platform on each day of the period, for the overview's chart; most followers first."""
    period = Period.of(request.GET)
    found = cached(SUMMARY, _name("overview-trend", period), lambda: _trend(period), vary=permissions_of(request))
    headers = {"Cache-Control": "private, no-cache", "X-Cache": found.state}
    return HttpResponse(found.value, content_type="application/json", headers=headers)


def _trend(period: Period) -> bytes:
    dates, sums = reads.trend(period)
    ordered = sorted(sums.items(), key=lambda item: -max((value or 0 for value in item[1]), default=0))
    series = [{"label": PLATFORMS[name].label, "values": values} for name, values in ordered]
    return orjson.dumps({"dates": dates, "series": series})
