"""The page of one item, for everybody who may read items."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from perf.access import requires
from workitems.item_page import page_of
from workitems.models import WorkItem


@require_safe
@requires("workitems.view_workitem")
def item(request: HttpRequest, number: str) -> HttpResponse:
    """Words, photos and all that happened to an item."""
    return render(request, "workitems/item.html", {"page": page_of(found_item(request, number), request.user)})


def found_item(request: HttpRequest, number: str) -> WorkItem:
    """The item of that number, as far as the person may see it. Raises Http404."""
    return get_object_or_404(WorkItem.objects.visible_to(request.user), number=number)
