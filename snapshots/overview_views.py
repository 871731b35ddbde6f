"""The page that is opened every morning: all accounts at a glance over a period, and the days that its charts draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from perf import clock
from perf.access import requires, requires_any
from perf.cache import cached, cached_fragment, key, permissions_of
from snapshots import overview as reads
from snapshots import trends
from snapshots.cache import SUMMARY
from snapshots.movers import FLOOR, movers
from snapshots.periods import Period, kept_fields
from snapshots.sidebar_views import beside
from snapshots.trends import Line

BY = {"platform": "Platforms", "organization": "Organisations"}
"""What the lines of a chart may be."""
DAYS_NAMED = 3


@require_safe
@requires_any("snapshots.view_snapshot", "workitems.view_workitem")
def overview(request: HttpRequest) -> HttpResponse:
    """Totals, changes over a period, who moved, and what needs a look; or the accounts that the address names.

    It is where everybody arrives: who works on items alone is sent to those.
    """
    if not request.user.has_perm("snapshots.view_snapshot"):
        return redirect("workitems:dashboard")
    period = Period.of(request.GET)
    context = {"period": period, "kept": kept_fields(request.GET)} | beside(request, period)
    if not context.get("chosen"):
        context["figures"] = _fragment(request, period, _by(request))
    return render(request, "snapshots/overview.html", context)


def _fragment(request: HttpRequest, period: Period, by: str) -> str:
    """The figures as HTML, from the cache; apart for each set of permissions."""
    return cached_fragment(
        SUMMARY,
        _name("overview", period, by),
        lambda: render_to_string("snapshots/_figures.html", _figures(period, by), request),
        vary=permissions_of(request),
    )


def _by(request: HttpRequest) -> str:
    by = request.GET.get("by", "")
    return by if by in BY else "platform"


def _name(root: str, period: Period, *of: str) -> str:
    """The key of what is kept of a period; who is fresh is somebody else tomorrow."""
    return key(root, *of, f"{period.start}", f"{period.end}", f"{period.choice or 'own'}", f"{clock.today()}")


def _figures(period: Period, by: str) -> dict[str, Any]:
    """What the overview shows of a period."""
    found, lines = reads.present(), trends.platform_lines(period)
    everyone = trends.together(lines.values())
    added = everyone.added(period)
    return {
        "period": period,
        "by": by,
        "choices": BY.items(),
        "queries": {name: f"{period.query}&by={name}" for name in BY},
        "traced": {name: f"{period.query}&by={name}&traced=1" for name in (*BY, "all")},
        "total": replace(found.total, changed=everyone.changed(period)),
        "before": everyone.changed(period.previous),
        "spark": everyone.values(period),
        "added": list(added.items())[:DAYS_NAMED],
        "added_more": len(added) - DAYS_NAMED,
        "platforms": [_moved(row, lines.get(name), period) for name, row in found.platforms.items()],
        "organizations": reads.largest(found.organizations),
        "organization_count": len(found.organizations),
        "movers": movers(period),
        "floor": FLOOR,
        "looks": reads.needing_a_look(),
        "look_count": found.total.accounts - found.total.fresh,
        "suspect_count": reads.suspect_count(),
        "suspects_most": reads.MOST_COUNTED,
    }


def _moved(row: reads.Row, line: Line | None, period: Period) -> reads.Row:
    """The row of a platform with its change over `period`."""
    return replace(row, changed=line.changed(period)) if line else row


@require_safe
@requires("snapshots.view_snapshot")
def trend(request: HttpRequest) -> HttpResponse:
    """Followers on each day of the period and the one before, for charts; most followers first.

    `by` platform, organization or all; `traced` leaves out what accounts brought by being added.
    """
    period, by = Period.of(request.GET), "all" if request.GET.get("by") == "all" else _by(request)
    traced = request.GET.get("traced") == "1"
    name = _name("overview-trend", period, by, f"{traced:d}")
    found = cached(SUMMARY, name, lambda: _trend(period, by, traced=traced), vary=permissions_of(request))
    headers = {"Cache-Control": "private, no-cache", "X-Cache": found.state}
    return HttpResponse(found.value, content_type="application/json", headers=headers)


def _trend(period: Period, by: str, *, traced: bool) -> bytes:
    platforms = trends.platform_lines(period)
    everyone = trends.together(platforms.values(), "All accounts")
    lines: dict[str, Callable[[], Any]] = {
        "platform": platforms.values,
        "organization": lambda: trends.organization_lines(period, everyone).values(),
        "all": lambda: [everyone],
    }
    return orjson.dumps(trends.series(lines[by](), period, traced=traced))
