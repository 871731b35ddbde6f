"""What every post to an item's pages has in common: who asks about what, what they saw, and how they are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme

from workitems.claims import Claimed
from workitems.editing import Conflict, differences
from workitems.item_page import page_of
from workitems.models import WorkItem
from workitems.reviewing import VerdictChanged
from workitems.workflow import TransitionRefused

REFUSALS = (Claimed, Conflict, TransitionRefused, ValidationError, VerdictChanged)
"""Why a write to an item is not done; each says it in a sentence for people."""


def found_item(request: HttpRequest, number: str) -> WorkItem:
    """The item of that number, as far as the person may see it. Raises Http404."""
    return get_object_or_404(WorkItem.objects.visible_to(request.user), number=number)


def seen_version(request: HttpRequest) -> int:
    """The version of the item that a form was filled in for; 0, which no item has, for anything else."""
    return number_in(request.POST.get("version", ""))


def number_in(raw: str) -> int:
    """A whole number that the database can compare; 0 for anything else."""
    return int(raw) if raw.isascii() and raw.isdecimal() and len(raw) < 10 else 0


def sentence(refused: Exception) -> str:
    """What a refusal says."""
    return " ".join(refused.messages) if isinstance(refused, ValidationError) else str(refused)


def refuse(request: HttpRequest, item: WorkItem, refused: Exception) -> HttpResponse:
    """The item's page as it is now, with what was refused, what changed since it was seen, and what was written."""
    is_wrong = isinstance(refused, ValidationError)
    current = WorkItem.objects.present().filter(pk=item.pk).first()
    if current is None:
        messages.warning(request, f"{item.number} was deleted meanwhile. Nothing of yours was stored.")
        return redirect("workitems:dashboard")
    since = seen_version(request)
    changed = differences(current, since, request.user) if since and not is_wrong else []
    page, to = page_of(current, request.user), request.POST.get("status", "")
    has_form = not page.claimed and to in (*page.decisions, *page.next_states)
    context: dict[str, Any] = {"page": page, "ours": request.POST, "changed": changed, "has_form": has_form}
    context |= {"refused": sentence(refused), "next": next_of(request), "reason": reason_of(request)}
    return render(request, "workitems/item.html", context, status=422 if is_wrong else 409)


def reason_of(request: HttpRequest) -> str:
    """The usual reasons that were ticked and the own words, a line each."""
    said = [*request.POST.getlist("canned"), request.POST.get("reason", "").replace("\r\n", "\n").strip()]
    return "\n".join(text for text in said if text)


def next_of(request: HttpRequest) -> str:
    """Where the form came from, if that is a page of ours; "" for none."""
    there = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(there, {request.get_host()}, request.is_secure())
    return there if is_ours else ""


def back(request: HttpRequest, item: WorkItem) -> HttpResponse:
    """Leads to where the form came from, else to the item."""
    return redirect(next_of(request) or reverse("workitems:item", args=[item.number]))


def say_with_undo(request: HttpRequest, told: str, undo: str, values: Mapping[str, str] | None = None) -> None:
    """Say what was done, with a button that posts `values` to `undo`."""
    field = '<input type="hidden" name="{}" value="{}">'
    hidden = format_html_join("", field, {"csrfmiddlewaretoken": get_token(request), **(values or {})}.items())
    form = '{} <form method="post" action="{}" class="undo">{}<button class="small">Undo</button></form>'
    messages.success(request, format_html(form, told, undo, hidden))
