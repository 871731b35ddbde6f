"""Editing many accounts of the list: choose, see what would change, apply it, take it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts import bulk as domain
from accounts.bulk_edits import BulkEdit, ticket_of
from accounts.bulk_forms import BulkForm, lines
from accounts.models import Account, AccountQuerySet
from perf.access import requires
from snapshots.listing import Filters

NAMED = 50  # accounts that an undo left alone, by name
LOOK_AGAIN = "The accounts changed since you looked. Nothing was changed: look again, then apply."


@dataclass(frozen=True, slots=True)
class Selection:
    """Accounts that were ticked in the list, by their `ids`, or all that its filters match (None)."""

    accounts: AccountQuerySet
    ids: list[int] | None

    @property
    def named(self) -> int | None:
        """How many accounts were ticked."""
        return None if self.ids is None else len(self.ids)

    @classmethod
    def of(cls, query: QueryDict, user: Any) -> Self:
        """What an address of the list's form chooses; junk, a filter that means nothing too, chooses nothing."""
        visible = Account.objects.visible_to(user)
        if "all" in query and not (filters := Filters.of(query)).refused:
            return cls(filters.accounts(visible), None)
        ids = sorted({int(pk) for pk in query.getlist("account") if pk.isascii() and pk.isdigit() and len(pk) < 19})
        return cls(visible.filter(pk__among=ids), ids)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("accounts.view_account", "snapshots.view_snapshot", "accounts.change_account")
def bulk(request: HttpRequest) -> HttpResponse:
    """What is to be changed of the chosen accounts; with an answer, what that would change; posted, the change."""
    chosen = Selection.of(request.GET, request.user)
    if chosen.named == 0:
        messages.info(request, "Choose at least one account first. Nothing was changed.")
        return redirect("snapshots:accounts")
    form = BulkForm(request.GET if "preview" in request.GET else None)
    context: dict[str, Any] = {"form": form, "filters": Filters.of(request.GET), "chosen": chosen}
    if not form.is_valid():
        return render(request, "snapshots/bulk.html", context | _counted(chosen), status=400 if form.errors else 200)
    return _planned(request, chosen, form.wanted, context)


def _planned(request: HttpRequest, chosen: Selection, wanted: domain.Wanted, context: dict[str, Any]) -> HttpResponse:
    """What `wanted` would change; posted as it was seen, the change. Sent twice, the second leads to the first's."""
    ticket = ticket_of(request.POST.get("ticket", ""))
    if started := BulkEdit.objects.of(request.user).started_from(ticket):
        return redirect("snapshots:bulk-edit", started.pk)
    made = domain.plan(chosen.accounts, wanted, asked=chosen.named)
    if request.method == "POST" and request.POST.get("digest") == made.digest and made.ids:
        return _started(request, made, ticket)
    context |= {"plan": made, "lines": lines(made), "ticket": uuid4()}
    context["again"] = LOOK_AGAIN if request.method == "POST" else ""
    return render(request, "snapshots/bulk.html", context | _counted(chosen), status=409 if context["again"] else 200)


def _counted(chosen: Selection) -> dict[str, int]:
    return {"count": chosen.accounts.count()}


def _started(request: HttpRequest, made: domain.Plan, ticket: UUID | None) -> HttpResponse:
    edit = domain.start(made, request.user, ticket=ticket)
    domain.go_on(edit, request.user)
    return redirect("snapshots:bulk-edit", edit.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("accounts.view_account", "snapshots.view_snapshot", "accounts.change_account")
def bulk_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """How far an edit of many accounts is; posted, it goes on, or is undone."""
    edit = get_object_or_404(BulkEdit.objects.of(request.user), pk=pk)
    if request.method == "POST":
        try:
            if "undo" in request.POST:
                domain.undo(edit, request.user)
            domain.go_on(edit, request.user)
        except domain.UndoRefused as refused:
            messages.warning(request, f"{refused} Nothing was changed.")
        return redirect("snapshots:bulk-edit", edit.pk)
    return render(request, "snapshots/bulk_edit.html", _shown(edit))


def _shown(edit: BulkEdit) -> dict[str, Any]:
    """How far an edit or its undo is, and what an undo left alone."""
    left = list(domain.kept(edit))
    kept = Account.objects.filter(pk__in=left[:NAMED]).in_order()
    is_left = edit.left().exists()
    return {"edit": edit, "done": edit.done(), "is_left": is_left, "kept_count": len(left), "kept": kept}
