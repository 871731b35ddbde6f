"""What reviewers do to an item: its state, who has it open, verdicts on its photos; and the queue."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from perf.access import requires
from perf.clock import now
from perf.pagination import page_number, paginate
from workitems import claims, people, reviewing
from workitems.deciding import UNDO_WITHIN, Act, Wanted, decide
from workitems.item_page import page_of
from workitems.models import Decision, Photo, WorkItem
from workitems.queue import ORDER, PER_PAGE, Queue, tabs
from workitems.workflow import REVIEW, Status, move
from workitems.writes import (
    REFUSALS,
    back,
    found_item,
    next_of,
    number_in,
    reason_of,
    refuse,
    say_with_undo,
    seen_version,
)

DECISIONS_SHOWN = 5
REVIEWS = requires("workitems.view_workitem", REVIEW)


@require_safe
@REVIEWS
@cache_control(private=True, no_cache=True)  # not no-store: such a page is sent uncompressed
def review(request: HttpRequest) -> HttpResponse:
    """The queue of a state, the oldest first, beside one of its items: ?item=, or the next that nobody has open."""
    queue = Queue.of(request.GET)
    page = paginate(
        queue.for_page(request.user),
        order=ORDER,
        page=page_number(request.GET.get("page")),
        per_page=PER_PAGE,
        after=request.GET.get("after", ""),
        clamp=True,
    )
    context: dict[str, Any] = {"queue": queue, "rows": page, "tabs": tabs(request.user)}
    return render(request, "workitems/review.html", context | _shown(request, queue, list(page.object_list)))


@require_POST
@requires("workitems.change_workitem")
def status(request: HttpRequest, number: str) -> HttpResponse:
    """Take a step: a reviewer's decision, which can be taken back, or any other that the rules allow."""
    item, to = found_item(request, number), request.POST.get("status", "")
    try:
        if to in Act.values and request.user.has_perm(REVIEW):
            return _decided(request, item, to)
        _step(request, item, to)
    except REFUSALS as refused:
        return refuse(request, item, refused)
    messages.success(request, f"{item.number} is {item.status_label}.")
    return back(request, item)


@require_POST
@REVIEWS
def claim(request: HttpRequest, number: str) -> HttpResponse:
    """Have an item open for oneself, renew that, take it over (`instead_of`) or give it up (`release`)."""
    item, wants_page = found_item(request, number), request.accepts("text/html")
    if "release" in request.POST:
        claims.release(item, request.user)
        return redirect(next_of(request) or "workitems:review") if wants_page else JsonResponse({"until": None})
    try:
        instead_of = number_in(request.POST.get("instead_of", "")) or None
        item = claims.claim(item, request.user, instead_of=instead_of)
    except claims.Claimed as refused:
        return refuse(request, item, refused) if wants_page else JsonResponse({"error": str(refused)}, status=409)
    return back(request, item) if wants_page else JsonResponse({"until": item.claimed_until, "version": item.version})


@require_POST
@REVIEWS
def verdict(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept a photo, ask to retake it, or take the verdict back."""
    photo = get_object_or_404(Photo.objects.visible_to(request.user).present().select_related("work_item"), pk=pk)
    item, said, seen = photo.work_item, request.POST.get("verdict", ""), _instant(request.POST.get("seen", ""))
    try:
        claims.make_way(item, request.user)
        reviewing.judge(photo, said, request.POST.get("reason", ""), by=request.user, seen=seen)
    except REFUSALS as refused:
        return refuse(request, item, refused)
    return redirect(f"{next_of(request) or reverse('workitems:item', args=[item.number])}#photo-{pk}")


def _decided(request: HttpRequest, item: WorkItem, to: str) -> HttpResponse:
    """Decide, say so with an undo, and go on to the next item of the queue that it was decided in."""
    made = decide(item, Wanted(to, reason_of(request)), by=request.user, version=seen_version(request))
    said = f"{item.number} is {Status(to).label}."
    say_with_undo(request, said, reverse("workitems:undo", args=[made.pk]), {"next": next_of(request)})
    if "queue" not in request.POST:
        return back(request, item)
    queue = Queue.of({"state": request.POST["queue"]})
    return redirect(review_address(queue, queue.next_for(request.user, item)))


def _step(request: HttpRequest, item: WorkItem, to: str) -> None:
    if to not in Status.values:
        raise ValidationError("Choose what it is to become.")
    raw = request.POST.get("reviewer", "")
    reviewer = people.find(raw, REVIEW)
    if raw and reviewer is None:
        raise ValidationError({"reviewer": "Choose somebody who reviews items."})
    claims.make_way(item, request.user)
    version = seen_version(request)
    move(item, to, by=request.user, version=version, reason=reason_of(request), reviewer=reviewer)


def _instant(raw: str) -> datetime | None:
    """The instant that a form carries; None, as of a photo that nobody judged, for anything else."""
    try:
        found = parse_datetime(raw)
    except ValueError:
        return None
    return found if found and is_aware(found) else None


def review_address(queue: Queue, item: WorkItem | None) -> str:
    """The queue with `item` beside it."""
    return f"{reverse('workitems:review')}?{queue.query}" + (f"&item={item.number}" if item else "")


def _shown(request: HttpRequest, queue: Queue, rows: list[WorkItem]) -> dict[str, Any]:
    """The item beside the list, its neighbours, and the person's own decisions that can be taken back."""
    number, user = request.GET.get("item", "").replace("\x00", ""), request.user
    item = WorkItem.objects.visible_to(user).filter(number=number).first() if number else queue.next_for(user, None)
    mine = Decision.objects.of(user).standing().filter(at__gte=now() - UNDO_WITHIN).order_by("-at")
    context: dict[str, Any] = {"page": None, "decisions": mine[:DECISIONS_SHOWN], "now": now()}
    context["next"] = review_address(queue, item)
    if item is None:
        return context
    place = next((place for place, row in enumerate(rows) if row.pk == item.pk), None)
    if place is not None:
        context |= {"before": rows[place - 1] if place else None, "behind": next(iter(rows[place + 1 :]), None)}
    return context | {"page": page_of(item, user), "offered": queue.next_for(user, item)}
