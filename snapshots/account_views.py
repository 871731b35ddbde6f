"""The page of one account: its profile, its figures and their history, and the parts that other apps add."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import Account, AccountTag
from perf.access import requires
from perf.templatetags.figures import day
from snapshots.days import recent_days
from snapshots.models import CHANGES, COUNTS, LatestSnapshot, Snapshot
from snapshots.periods import Period, kept_fields


@require_safe
@requires("accounts.view_account", "snapshots.view_snapshot")
def account(request: HttpRequest, platform: str, handle: str) -> HttpResponse:
    """One account: its profile, latest figures and history. A former handle's address leads to the present one."""
    found = Account.objects.visible_to(request.user).select_related("latest").find_at(platform, handle)
    if found is None:
        raise Http404
    if found.handle != handle:
        path, query = reverse("snapshots:account", args=[platform, found.handle]), request.GET.urlencode()
        there = redirect(f"{path}?{query}" if query else path, permanent=True)
        there["Cache-Control"] = "no-cache"  # kept by a browser, it would go round in circles after a rename back
        return there
    return render(request, "snapshots/account.html", _account(request, found))


def _account(request: HttpRequest, found: Account) -> dict[str, Any]:
    """What the page of one account shows."""
    latest: LatestSnapshot | None = getattr(found, "latest", None)
    latest = latest if latest and latest.date else None
    context: dict[str, Any] = {"account": found, "latest": latest}
    context |= {"period": Period.of(request.GET), "kept": kept_fields(request.GET)}
    context |= {"changes": _changes(latest), "counts": _counts(latest), "profile": _profile(found)}
    context |= {"recent": recent_days(found), "tags": AccountTag.objects.names_of([found.pk])[found.pk]}
    return context | {"suspect_count": Snapshot.objects.to_judge().filter(account=found).count()}


def _changes(latest: LatestSnapshot | None) -> list[tuple[str, int | None, int | None, str]]:
    """Label, change, what it changed from and the reason where it is unknown, per period of a latest row."""
    made = []
    for name, days in CHANGES.items():
        span = "1 day" if days == 1 else f"{days} days"
        change = getattr(latest, name, None)
        base = _difference(latest.followers if latest else None, change)
        made.append((f"Change · {span}", change, base, f"No figure {span} before the latest"))
    return made


def _counts(latest: LatestSnapshot | None) -> list[tuple[str, int]]:
    """The other figures that the platform gave, by label."""
    names = [name for name in COUNTS if name != "followers" and getattr(latest, name, None) is not None]
    return [(name.replace("_", " ").capitalize(), getattr(latest, name)) for name in names]


def _profile(found: Account) -> list[tuple[str, Any]]:
    """What the registry knows of the account, without what is empty."""
    former = found.former_handles.order_by("-retired_at").values_list("handle", flat=True)
    facts = [
        ("Formerly", ", ".join(former)),
        ("Type", found.get_kind_display()),
        ("Category", found.category),
        ("Owner team", found.owner_team),
        ("Sensitivity", found.get_sensitivity_display()),
        ("Verified", found.get_verified_display()),
        ("Opened", day(found.opened_on)),
    ]
    return [(label, value) for label, value in facts if value]


def _difference(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else after - before
