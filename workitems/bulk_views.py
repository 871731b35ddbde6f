"""Deciding about many items at once, and taking decisions back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from perf.access import requires
from workitems import bulk, people
from workitems.deciding import AT_ONCE, Act, UndoRefused, Wanted, decide_many, undo
from workitems.models import CannedReason, Decision
from workitems.queue import Queue
from workitems.review_views import REVIEWS, review_address
from workitems.workflow import CHANGE
from workitems.writes import next_of, reason_of, say_with_undo, sentence

PERMISSIONS = ("workitems.review_workitem", "workitems.assign_workitem")


@require_POST
@requires("workitems.view_workitem", *PERMISSIONS)
def decide_about_many(request: HttpRequest) -> HttpResponse:
    """What would happen to each chosen item; with `sure`, it happens."""
    chosen, queue = bulk.Chosen.of(request.POST.getlist("item")), Queue.of({"state": request.POST.get("queue", "")})
    if not chosen.versions:
        messages.info(request, "Choose at least one item first. Nothing was changed.")
        return redirect(review_address(queue, None))
    try:
        wanted = _wanted(request)
        if "sure" not in request.POST:
            return _preview(request, chosen, wanted, queue)
        wanted.check()
        outcome = decide_many(chosen.versions, wanted, by=request.user)
    except ValidationError as refused:
        return _preview(request, chosen, Wanted(request.POST.get("act", "")), queue, sentence(refused))
    _tell(request, outcome, wanted)
    return redirect(review_address(queue, None))


@require_POST
@REVIEWS
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own decision back: its items are again what they were, where nobody changed them since."""
    decision = get_object_or_404(Decision.objects.of(request.user), pk=pk)
    try:
        restored, kept = undo(decision, request.user)
    except UndoRefused as refused:
        messages.warning(request, f"{refused} Nothing was changed.")
        return redirect(next_of(request) or "workitems:review")
    number = "1 item is again what it was" if restored == 1 else f"{restored} items are again what they were"
    stayed = f" {', '.join(kept)} changed since and stayed." if kept else ""
    (messages.warning if kept else messages.success)(request, f"{number} before.{stayed}")
    return redirect(next_of(request) or "workitems:review")


def _wanted(request: HttpRequest) -> Wanted:
    """What the form asks for. Raises ValidationError for somebody it cannot be given to."""
    raw = request.POST.get("assigned_to", "")
    to = people.find(raw, CHANGE)
    if raw and to is None:
        raise ValidationError("Choose somebody who works on items.")
    return Wanted(request.POST.get("act", ""), reason_of(request), to)


def _preview(request: HttpRequest, chosen: bulk.Chosen, wanted: Wanted, queue: Queue, wrong: str = "") -> HttpResponse:
    """What exactly would happen to each, with the button that makes it happen."""
    if wanted.act not in Act.values:
        messages.info(request, "Choose what to do with them. Nothing was changed.")
        return redirect(review_address(queue, None))
    rows = chosen.rows(request.user)
    lines = bulk.plan(rows[:AT_ONCE], wanted, request.user)
    reasons = CannedReason.objects.filter(status=wanted.act, is_offered=True).order_by("position", "pk")
    context: dict[str, Any] = {"lines": lines, "wanted": wanted, "queue": queue, "canned": reasons, "wrong": wrong}
    context |= {"workers": people.choices(CHANGE) if wanted.act == Act.ASSIGN else [], "at_once": AT_ONCE}
    context |= {"too_many": len(rows) > AT_ONCE, "possible": sum(not line.refusal for line in lines)}
    return render(request, "workitems/bulk.html", context, status=422 if wrong else 200)


def _tell(request: HttpRequest, outcome: Any, wanted: Wanted) -> None:
    """Say what was done, with its undo, and why each other item stayed as it was."""
    if outcome.decision:
        say_with_undo(request, bulk.told(outcome, wanted), reverse("workitems:undo", args=[outcome.decision.pk]))
    for number, why in outcome.refused.items():
        messages.warning(request, f"{number} stayed as it was. {why}")
