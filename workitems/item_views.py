"""The page of one item, for everybody who may read items, and what may be said there."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from perf.access import requires
from workitems import claims, editing, people, reviewing
from workitems.item_page import page_of
from workitems.workflow import CHANGE, storable
from workitems.writes import REFUSALS, back, found_item, refuse, seen_version


@require_safe
@requires("workitems.view_workitem")
@cache_control(private=True, no_cache=True)  # not no-store: such a page is sent uncompressed
def item(request: HttpRequest, number: str) -> HttpResponse:
    """Words, photos and all that happened to an item."""
    return render(request, "workitems/item.html", {"page": page_of(found_item(request, number), request.user)})


@require_POST
@requires("workitems.change_workitem")
def comment(request: HttpRequest, number: str) -> HttpResponse:
    """Say something about an item to all who read it."""
    found = found_item(request, number)
    try:
        reviewing.comment(found, request.POST.get("text", ""), by=request.user)
    except REFUSALS as refused:
        return refuse(request, found, refused)
    messages.success(request, "Your comment is stored.")
    return back(request, found)


@require_POST
@requires("workitems.review_workitem", "workitems.read_internal_notes")
def notes(request: HttpRequest, number: str) -> HttpResponse:
    """Store the internal notes, which no crew reads."""
    found = found_item(request, number)
    given = {editing.NOTES: storable(request.POST.get("internal_notes", "").replace("\r\n", "\n"))}
    try:
        editing.edit(found, given, by=request.user, version=seen_version(request))
    except REFUSALS as refused:
        return refuse(request, found, refused)
    messages.success(request, "The internal notes are stored.")
    return back(request, found)


@require_POST
@requires("workitems.assign_workitem")
def assign(request: HttpRequest, number: str) -> HttpResponse:
    """Give an item to somebody, or to nobody."""
    found, raw = found_item(request, number), request.POST.get("assigned_to", "")
    to = people.find(raw, CHANGE)
    try:
        if raw and to is None:
            raise ValidationError({"assigned_to": "Choose somebody who works on items."})
        claims.make_way(found, request.user)
        editing.assign(found, to, by=request.user, version=seen_version(request))
    except REFUSALS as refused:
        return refuse(request, found, refused)
    messages.success(request, f"{found.number} is assigned to {found.assigned_to_name or 'nobody'}.")
    return back(request, found)
