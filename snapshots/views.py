"""Pages of figures: the overview, the list of accounts, one account with its history, the doubted figures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Account, AccountTag
from accounts.platforms import PLATFORMS
from perf import clock
from perf.access import requires
from perf.cache import cached, cached_fragment, key, permissions_of
from perf.pagination import page_number, paginate
from perf.templatetags.figures import day
from snapshots import judging, suspects
from snapshots import overview as reads
from snapshots.cache import SUMMARY
from snapshots.listing import Choices, Filters, columns
from snapshots.models import CHANGES, COUNTS, Judgement, LatestSnapshot, Snapshot

ROWS_PER_PAGE = 50
LOOKS_SHOWN = 10
DAYS_SHOWN = 30
ONE_DAY = timedelta(days=1)
RANGES = {30: "30 days", 90: "90 days", 365: "1 year", 0: "All"}
DEFAULT_RANGE = 90
DECISIONS_SHOWN = 5
PREVIEWED = 10


@require_safe
@requires("snapshots.view_snapshot")
def overview(request: HttpRequest) -> HttpResponse:
    """Totals, changes over a period, platforms, organisations, and what needs a look; the figures from the cache."""
    days = _chosen(request, reads.PERIODS, reads.DEFAULT_PERIOD)
    figures = cached_fragment(
        SUMMARY,
        key("overview", str(days), clock.today().isoformat()),
        lambda: render_to_string("snapshots/_figures.html", _figures(days), request),
        vary=permissions_of(request),
    )
    context = {"figures": figures, "days": days, "periods": reads.PERIODS.items()}
    return render(request, "snapshots/overview.html", context)


def _figures(days: int) -> dict[str, Any]:
    period = reads.Period.of(days)
    platforms = reads.platform_rows(period)
    total = reads.total_of(platforms)
    organizations = reads.organization_rows(period)
    looks = reads.needing_a_look()
    return {
        "days": days,
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
    days = _chosen(request, reads.PERIODS, reads.DEFAULT_PERIOD)
    name = key("overview-trend", str(days), clock.today().isoformat())
    found = cached(SUMMARY, name, lambda: _trend(days), vary=permissions_of(request))
    headers = {"Cache-Control": "private, no-cache", "X-Cache": found.state}
    return HttpResponse(found.value, content_type="application/json", headers=headers)


def _trend(days: int) -> bytes:
    dates, sums = reads.trend(reads.Period.of(days))
    ordered = sorted(sums.items(), key=lambda item: -max((value or 0 for value in item[1]), default=0))
    series = [{"label": PLATFORMS[name].label, "values": values} for name, values in ordered]
    return orjson.dumps({"dates": dates, "series": series})


@require_safe
@requires("accounts.view_account", "snapshots.view_snapshot")
def accounts(request: HttpRequest) -> HttpResponse:
    """The list of accounts with their latest figures: searched, filtered, sorted and paged by the server."""
    filters = Filters.of(request.GET)
    rows, total = filters.rows(Account.objects.visible_to(request.user))
    page = paginate(
        rows,
        order=filters.order,
        page=page_number(request.GET.get("page")),
        per_page=ROWS_PER_PAGE,
        after=request.GET.get("after", ""),
        total=total,
        clamp=True,
    )
    context = {"page": page, "filters": filters, "columns": columns(filters), "choices": Choices.of(filters)}
    return render(request, "snapshots/accounts.html", context)


@require_safe
@requires("accounts.view_account", "snapshots.view_snapshot")
def account(request: HttpRequest, platform: str, handle: str) -> HttpResponse:
    """One account: its profile, latest figures and history. A former handle's address leads to the present one."""
    found = Account.objects.visible_to(request.user).find_at(platform, handle)
    if found is None:
        raise Http404
    if found.handle != handle:
        there = redirect(reverse("snapshots:account", args=[platform, found.handle]), permanent=True)
        there["Cache-Control"] = "no-cache"  # kept by a browser, it would go round in circles after a rename back
        return there
    return render(request, "snapshots/account.html", _account(request, found))


def _account(request: HttpRequest, found: Account) -> dict[str, Any]:
    """What the page of one account shows."""
    days = _chosen(request, RANGES, DEFAULT_RANGE)
    latest = LatestSnapshot.objects.known().filter(account=found).first()
    context: dict[str, Any] = {"account": found, "latest": latest, "days": days, "periods": RANGES.items()}
    context["history_query"] = f"days={days}" if days else ""
    context["notes_about"] = urlencode({"account": f"{found.platform}/{found.handle}"})
    context |= {"changes": _changes(latest), "counts": _counts(latest), "profile": _profile(found)}
    context |= {"recent": _recent(found), "tags": AccountTag.objects.names_of([found.pk])[found.pk]}
    return context | {"suspect_count": Snapshot.objects.to_judge().filter(account=found).count()}


def _chosen(request: HttpRequest, choices: dict[int, str], default: int) -> int:
    """The period named by ?days=, or the default for anything else."""
    return {str(days): days for days in choices}.get(request.GET.get("days", ""), default)


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


def _recent(found: Account) -> list[tuple[Snapshot, int | None]]:
    """The published figures of the last days, newest first, each with its change from the day before."""
    rows = Snapshot.objects.published().filter(account=found).order_by("-date")[: DAYS_SHOWN + 1]
    followers = {row.date: row.followers for row in rows}
    return [(row, _difference(row.followers, followers.get(row.date - ONE_DAY))) for row in rows[:DAYS_SHOWN]]


def _difference(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else after - before


@require_safe
@requires("snapshots.view_snapshot")
def suspect(request: HttpRequest) -> HttpResponse:
    """The figures that wait for a second reading or an editor, and one's own decisions that can be taken back."""
    rows = Snapshot.objects.visible_to(request.user)
    filters = suspects.Filters.of(request.GET)
    page = paginate(
        suspects.waiting(filters.narrow(rows)),
        order=suspects.ORDER,
        page=page_number(request.GET.get("page")),
        per_page=ROWS_PER_PAGE,
        after=request.GET.get("after", ""),
        clamp=True,
    )
    context: dict[str, Any] = {"page": page, "suspects": suspects.explained(list(page.object_list)), "filters": filters}
    context |= {"batches": suspects.batches(rows), "now": clock.now(), "decisions": _decisions(request)}
    return render(request, "snapshots/suspects.html", context)


@require_POST
@requires("snapshots.view_snapshot", "snapshots.judge_snapshots")
def judge(request: HttpRequest) -> HttpResponse:
    """Accept or reject one doubted figure at once, several or a platform's day after a look at what it changes."""
    chosen, verdict = suspects.Selection.find(request.POST), request.POST.get("verdict")
    if verdict not in ("accept", "reject"):
        raise Http404
    if chosen is None:
        messages.info(request, "Choose at least one figure first. Nothing was changed.")
        return _back(request)
    if not (chosen.is_one or "sure" in request.POST):
        return _preview(request, chosen, verdict)
    done = judging.judge_waiting(chosen.found(), accept=verdict == "accept", by=request.user)
    return _told(request, done, verdict)


@require_POST
@requires("snapshots.view_snapshot", "snapshots.judge_snapshots")
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own decision back: its figures are again what they were, where nothing has changed them since."""
    try:
        restored, kept = judging.undo(get_object_or_404(Judgement.objects.of(request.user), pk=pk), request.user)
        messages.success(request, suspects.undone(restored, kept))
    except judging.UndoRefused as refused:
        messages.warning(request, f"{refused} Nothing was changed.")
    return _back(request)


def _decisions(request: HttpRequest) -> list[Judgement]:
    """The person's newest decisions that can still be taken back."""
    since = clock.now() - judging.UNDO_WITHIN
    mine = Judgement.objects.of(request.user).standing().filter(at__gte=since)
    return list(mine.for_list()[:DECISIONS_SHOWN])


def _preview(request: HttpRequest, chosen: suspects.Selection, verdict: str) -> HttpResponse:
    """What the decision would change, with the button that makes it."""
    ids = [row.pk for row in chosen.rows()]
    rows = suspects.waiting(Snapshot.objects.filter(pk__in=ids))[:PREVIEWED]
    context: dict[str, Any] = {"chosen": chosen, "verdict": verdict, "count": len(ids), "filters": _kept(request)}
    context |= {"at_once": judging.AT_ONCE, "now": clock.now()}
    context |= {"previews": suspects.previews(ids), "suspects": suspects.explained(list(rows))}
    return render(request, "snapshots/judge.html", context)


def _told(request: HttpRequest, done: judging.Verdict, verdict: str) -> HttpResponse:
    """Say what came of a decision: to the page's script, or on the page it came from."""
    message = suspects.told(done, verdict)
    if not request.accepts("text/html"):
        undo_url = reverse("snapshots:undo", args=[done.judgement.pk]) if done.judgement else ""
        return JsonResponse({"message": message, "undo": undo_url}, status=409 if done.conflicts else 200)
    (messages.warning if done.conflicts else messages.success)(request, message)
    return _back(request)


def _kept(request: HttpRequest) -> str:
    """The filters of the page that a form came from, as a query string."""
    return suspects.Filters.of(QueryDict(request.POST.get("filters", ""))).query


def _back(request: HttpRequest) -> HttpResponse:
    """Leads to the doubted figures as they were narrowed."""
    query = _kept(request)
    return redirect(reverse("snapshots:suspects") + (f"?{query}" if query else ""))
