"""The page of doubted figures: what waits, the decision with its preview, and taking it back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from perf import clock
from perf.access import requires
from perf.pagination import page_number, paginate
from snapshots import judging, suspects
from snapshots.models import Judgement, Snapshot

ROWS_PER_PAGE = 50
DECISIONS_SHOWN = 5
PREVIEWED = 10


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
