"""Deleting items, having them back, and the bin."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from perf.access import requires
from perf.pagination import page_number, paginate
from workitems import bins
from workitems.editing import Conflict
from workitems.models import WorkItem
from workitems.writes import REFUSALS, found_item, next_of, refuse, say_with_undo, seen_version, sentence

PER_PAGE = 25
ORDER = ("-deleted_at", "-pk")


@require_POST
@requires("workitems.delete_workitem")
def delete(request: HttpRequest, number: str) -> HttpResponse:
    """Put an item into the bin; the message undoes it."""
    found = found_item(request, number)
    try:
        bins.put_in(found, by=request.user, version=seen_version(request))
    except REFUSALS as refused:
        return refuse(request, found, refused)
    undo = reverse("workitems:restore", args=[found.number])
    say_with_undo(request, f"{found.number} is in the bin, with everything it has.", undo)
    return redirect(next_of(request) or "workitems:review")


@require_POST
@requires("workitems.delete_workitem")
def restore(request: HttpRequest, number: str) -> HttpResponse:
    """Take an item out of the bin."""
    found = get_object_or_404(WorkItem, number=number)
    was_there = bins.take_out(found, by=request.user)
    messages.success(request, f"{number} is back." if was_there else f"{number} was not in the bin.")
    return redirect("workitems:item", number)


@require_POST
@requires("workitems.delete_workitem")
def destroy(request: HttpRequest, number: str) -> HttpResponse:
    """Delete an item in the bin for good, by whoever typed its number."""
    found = get_object_or_404(WorkItem.objects.filter(deleted_at__isnull=False), number=number)
    typed, counted = request.POST.get("typed", ""), request.POST.get("counted", "")
    try:
        gone = bins.destroy(found, typed=typed, counted=counted, by=request.user)
    except Conflict:
        messages.warning(request, f"{number} changed since you looked. Look again; nothing was deleted.")
    except REFUSALS as refused:
        messages.error(request, sentence(refused))
    else:
        messages.success(request, f"{number} is gone for good, with {gone}.")
    return redirect("workitems:bin")


@require_safe
@requires("workitems.delete_workitem")
@cache_control(private=True, no_cache=True)  # not no-store: such a page is sent uncompressed
def bin_page(request: HttpRequest) -> HttpResponse:
    """What was deleted, newest first, and what would go with each."""
    rows = WorkItem.objects.filter(deleted_at__isnull=False).select_related("deleted_by")
    page = paginate(
        rows,
        order=ORDER,
        page=page_number(request.GET.get("page")),
        per_page=PER_PAGE,
        after=request.GET.get("after", ""),
        clamp=True,
    )
    contents = bins.contents_of([item.pk for item in page.object_list])
    binned = [(item, contents[item.pk]) for item in page.object_list]
    return render(request, "workitems/bin.html", {"page": page, "binned": binned})
