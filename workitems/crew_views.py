"""The crew's pages: sending a new item in, changing one, and the receipt of what is stored."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_http_methods, require_safe

from perf.access import requires
from perf.compression import shows_no_secret
from workitems.attaching import Attached, attach, attach_promised, promises
from workitems.editing import LABELS, REVIEWER_FIELDS, Conflict, differences, send_again
from workitems.editing import edit as store_changes
from workitems.forms import EditItemForm, NewItemForm
from workitems.models import WorkItem
from workitems.numbers import NumberTaken
from workitems.receiving import process_soon, too_large
from workitems.sending import send
from workitems.workflow import WITH_CREW, TransitionRefused
from workitems.writes import found_item

FORM = "workitems/form.html"
REFUSED, CONFLICT = 422, 409
FIXED = {"number": "Number", "location": "Location"}
"""What the crew read but do not change."""


@require_http_methods(["GET", "HEAD", "POST"])
@requires("workitems.add_workitem")
@never_cache  # back from the receipt, the form is a new one with a key of its own
@shows_no_secret
def new(request: HttpRequest) -> HttpResponse:
    """Send a new item in."""
    form = NewItemForm(request.POST or None)
    if not form.is_valid():
        return _blank(request, form, status=REFUSED if form.is_bound else 200)
    key = form.cleaned_data["key"] or uuid.uuid4().hex  # photos are promised by it
    promised = [*form.cleaned_data["promised"], *promises(request.POST, request.FILES, key)]
    try:
        item = send(form.given, by=request.user, key=key, promised=promised)
    except NumberTaken as taken:
        return _taken(request, form, taken)
    done = _attach(request, item, key, attach_promised)  # its review may have begun
    return _told(request, item, f"{item.number} is stored.", done)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("workitems.change_workitem")
@never_cache
@shows_no_secret
def edit(request: HttpRequest, number: str) -> HttpResponse:
    """Change an item, or send it again with the changes."""
    item = found_item(request, number)
    if not item.may_edit(request.user):
        return _closed(request, item)
    form = EditItemForm(request.POST or None, item=item, user=request.user)
    if not form.is_bound:
        return _page(request, form, item)
    return _store(request, form, item)


@require_safe
@requires("workitems.view_workitem")
@cache_control(private=True, no_cache=True)  # not no-store: such a page is sent uncompressed
def receipt(request: HttpRequest, number: str) -> HttpResponse:
    """What is stored of an item: number, time, and the SHA-256 of each photo."""
    item = found_item(request, number)
    return render(request, "workitems/receipt.html", {"item": item, "photos": item.photos.present().in_order()})


def _closed(request: HttpRequest, item: WorkItem) -> HttpResponse:
    """409 with what was written where the item was theirs when they began. Raises PermissionDenied for all others."""
    ours = {name: request.POST[name] for name in REVIEWER_FIELDS if request.POST.get(name)}
    if not ours or request.user.pk not in {item.submitter_id, item.assigned_to_id}:
        raise PermissionDenied(f"{item.number} is {item.status_label} and not yours to change now. Nothing was stored.")
    form = EditItemForm(request.POST, item=item, user=request.user)
    form.full_clean()
    left = ["The photos of the form were not stored."] if request.FILES else []
    return _lost(request, ours, item, form.cleaned_data.get("version", item.version), Attached(refused=left))


def _store(request: HttpRequest, form: EditItemForm, item: WorkItem) -> HttpResponse:
    """Store the photos, whatever becomes of the words; and the words. A refused photo keeps the item with the crew."""
    done, is_valid = Attached(), form.is_valid()
    seen = form.cleaned_data.get("version", item.version)
    try:
        done = _attach(request, item, request.POST.get("key", ""))
        if not is_valid:
            return _page(request, form, item, status=REFUSED, done=done)
        again = "again" in request.POST and item.status in WITH_CREW and not done.refused
        stored = (send_again if again else store_changes)(item, form.given, by=request.user, version=seen)
    except PermissionDenied:  # the review began meanwhile
        return _lost(request, form.written, WorkItem.objects.get(pk=item.pk), seen, done)
    except (Conflict, TransitionRefused) as lost:
        return _lost(request, form.given, lost.current, seen, done)
    except NumberTaken as taken:
        form.add_error("number", str(taken))
        return _page(request, form, item, status=CONFLICT, done=done)
    except ValidationError as refused:
        form.add_error(None, refused)
        return _page(request, form, item, status=REFUSED, done=done)
    return _told(request, stored, f"{stored.number} is {'sent again' if again else 'stored'}.", done)


def _told(request: HttpRequest, item: WorkItem, sentence: str, done: Attached) -> HttpResponse:
    """The way to the receipt; to the form again where a photo was refused and another may be added."""
    messages.success(request, sentence)
    may_add = item.may_edit(request.user)
    if done.refused:
        messages.warning(request, done.sentence(may_add=may_add))
    there = reverse("workitems:edit" if done.refused and may_add else "workitems:receipt", args=[item.number])
    is_script = not request.accepts("text/html")
    return JsonResponse({"number": item.number, "id": item.pk, "next": there}) if is_script else redirect(there)


def _attach(request: HttpRequest, item: WorkItem, key: str, way: Callable[..., Attached] = attach) -> Attached:
    """Do what the form says of photos, and have the new ones made ready."""
    done = way(item, request.POST, request.FILES, by=request.user, key=key)
    done.refused += too_large(request)
    if done.stored:
        process_soon()
    return done


def _lost(request: HttpRequest, ours: Mapping[str, str], item: WorkItem, seen: int, done: Attached) -> HttpResponse:
    """409: somebody was faster; both texts side by side, or alone what we wrote where we may change it no more."""
    context = {"changed": differences(item, seen, request.user), "done": done}
    if not item.may_edit(request.user):
        return _rendered(request, "workitems/taken.html", {"item": item, "ours": _labelled(ours)} | context, CONFLICT)
    return _page(request, EditItemForm.beside(ours, item, request.user, seen=seen), item, status=CONFLICT, **context)


def _taken(request: HttpRequest, form: NewItemForm, taken: NumberTaken) -> HttpResponse:
    """409: both texts side by side where the item that is there is ours to change; else its link, and our form."""
    item = taken.existing
    if not item.may_edit(request.user):
        form.add_error("preset", str(taken))
        visible = None if item.deleted_at else item
        return _blank(request, form, status=CONFLICT, taken=visible)
    return _page(request, EditItemForm.beside(form.given, item, request.user), item, status=CONFLICT, taken=taken)


def _blank(request: HttpRequest, form: NewItemForm, *, status: int, **more: Any) -> HttpResponse:
    """The form of a new item."""
    context = {"form": form} | _places(request, settings.MAX_PHOTOS, is_stored=False)
    return _rendered(request, FORM, context | more, status)


def _page(request: HttpRequest, form: EditItemForm, item: WorkItem, *, status: int = 200, **more: Any) -> HttpResponse:
    """The form of an item, under the words that it was sent back with."""
    sent_back = item.status_changes.order_by("-changed_at", "-pk").first() if item.status in WITH_CREW else None
    fixed = [(label, getattr(item, name)) for name, label in FIXED.items() if name not in form.names]
    everything = list(item.photos.in_order())
    photos = [photo for photo in everything if photo.deleted_at is None]
    replaced = {photo.replaces_id for photo in everything}
    removed = [photo for photo in everything if photo.deleted_at and photo.pk not in replaced]
    context = {"form": form, "item": item, "sent_back": sent_back, "fixed": fixed}
    context |= {"photos": photos, "removed": removed}
    context |= _places(request, settings.MAX_PHOTOS - len(photos) - item.photos_due, is_stored="done" in more)
    return _rendered(request, FORM, context | more, status)


def _places(request: HttpRequest, free: int, *, is_stored: bool) -> dict[str, Any]:
    """The places for new photos; where those of the form are not stored, with what was written of them."""
    written = {} if is_stored else request.POST
    left_out = [] if is_stored else too_large(request)
    return {
        "slots": [(place, written.get(f"caption-{place}", "")) for place in range(1, free + 1)],
        "choose_again": bool(left_out or request.FILES) and not is_stored,
        "left_out": " ".join(left_out),
    }


def _rendered(request: HttpRequest, template: str, context: dict[str, Any], status: int) -> HttpResponse:
    """The page; a script that sends the form learns that it was refused, and then lets the page be shown."""
    if status >= 400 and not request.accepts("text/html"):
        return JsonResponse({"error": "Nothing is stored yet; the page says why."}, status=status)
    return render(request, template, context, status=status)


def _labelled(ours: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(LABELS[name].capitalize(), value) for name, value in ours.items() if value]
