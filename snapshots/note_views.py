"""Pages by which editors write, change and delete notes on days; scripts get JSON of the same addresses."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Account
from perf.access import requires
from snapshots.history import MOST_ACCOUNTS
from snapshots.note_forms import NoteForm
from snapshots.notes import Note, NoteChanged


@require_http_methods(["GET", "HEAD", "POST"])
@requires("snapshots.view_snapshot", "snapshots.add_note")
def add_note(request: HttpRequest) -> HttpResponse:
    """Write a note on ?day= of one of ?account=x/CDCgov, which may be repeated, or of all accounts."""
    form = NoteForm(request.POST or None, accounts=_accounts(request), day=request.GET.get("day", ""))
    return _answer(request, form, "Note added.")


@require_http_methods(["GET", "HEAD", "POST"])
@requires("snapshots.view_snapshot", "snapshots.change_note")
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a note; of a deleted one, a way to have it back."""
    found = _find(request, pk)
    return _answer(request, NoteForm(request.POST or None, note=found), "Note changed.")


@require_POST
@requires("snapshots.view_snapshot", "snapshots.delete_note")
def delete_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a note; it can be had back."""
    found = _find(request, pk)
    return _done(request, found, found.remove, "Note deleted.")


@require_POST
@requires("snapshots.view_snapshot", "snapshots.delete_note")
def restore_note(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the deletion of a note back."""
    found = _find(request, pk)
    return _done(request, found, found.restore, "The note is back.")


def _find(request: HttpRequest, pk: int) -> Note:
    return get_object_or_404(Note.objects.visible_to(request.user).select_related("account"), pk=pk)


def _accounts(request: HttpRequest) -> list[Account]:
    """The accounts that the address names, now or formerly. Raises Http404 for one that there is not."""
    known = Account.objects.visible_to(request.user)
    named = dict.fromkeys(request.GET.getlist("account")[:MOST_ACCOUNTS])
    found = [known.find_at(platform, handle) for platform, _, handle in (name.partition("/") for name in named)]
    if None in found:
        raise Http404
    return [account for account in found if account]


def _answer(request: HttpRequest, form: NoteForm, told: str) -> HttpResponse:
    """Store a valid form; show any other."""
    if form.is_valid():
        try:
            return _told(request, form.store(request.user), told)
        except NoteChanged as changed:
            form.add_error(None, str(changed))
    if not request.accepts("text/html"):
        errors = [str(error) for several in form.errors.values() for error in several]
        return JsonResponse({"message": " ".join(errors)}, status=422)
    context = {"form": form, "note": form.note, "account": form.note.account if form.note else None}
    return render(request, "snapshots/note.html", context)


def _done(request: HttpRequest, found: Note, act: Any, told: str) -> HttpResponse:
    """Do `act` of a note, or say that somebody was faster."""
    try:
        act(request.user)
    except NoteChanged as changed:
        if not request.accepts("text/html"):
            return JsonResponse({"message": str(changed)}, status=409)
        messages.warning(request, str(changed))
        return redirect("snapshots:note", found.pk)
    return _told(request, found, told)


def _told(request: HttpRequest, found: Note, told: str) -> HttpResponse:
    """Say what was done: to a script, or on the page that shows the note."""
    if not request.accepts("text/html"):
        return JsonResponse({"message": told, "note": found.pk})
    messages.success(request, told)
    if found.deleted_at:
        return redirect("snapshots:note", found.pk)
    account = found.account
    return (
        redirect("snapshots:account", account.platform, account.handle) if account else redirect("snapshots:overview")
    )
