"""Pages of the roster import: give one, read what would become of each line, import it, take it back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.checking import NotWaiting, import_checked, refused_lines
from accounts.forms import RosterForm
from accounts.importing import Verdict
from accounts.models import RosterImport
from accounts.undoing import UndoRefused, told, undo
from perf.access import requires

LINES_PER_PAGE = 200
IMPORTS_SHOWN = 20
NAMES = {
    Verdict.REFUSED: "refused",
    Verdict.DUPLICATE: "twice in the roster",
    Verdict.UPDATES: "updated",
    Verdict.NEW: "new",
    Verdict.EXISTS: "unchanged",
}
"""In this order lines are shown: first what somebody has to look at."""
RANKS = {verdict.value: rank for rank, verdict in enumerate(NAMES)}


@require_http_methods(["GET", "HEAD", "POST"])
@requires("accounts.import_accounts")
def rosters(request: HttpRequest) -> HttpResponse:
    """Give a roster, which is checked first; below it the imports of before, with what undoes them."""
    form = RosterForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        return redirect("accounts:roster", form.check(request.user).pk)
    imports = RosterImport.objects.visible_to(request.user).for_list()[:IMPORTS_SHOWN]
    return render(request, "accounts/rosters.html", {"form": form, "imports": imports})


@require_http_methods(["GET", "HEAD", "POST"])
@requires("accounts.import_accounts")
def roster(request: HttpRequest, pk: int) -> HttpResponse:
    """One roster line by line: what its import would do or did; posting imports it."""
    found = get_object_or_404(RosterImport.objects.visible_to(request.user).select_related("by"), pk=pk)
    if request.method != "POST":
        return render(request, "accounts/roster.html", _shown(request, found))
    try:
        if not import_checked(found, request.user).written:
            messages.warning(request, "Nothing was written: some lines are refused, and all or nothing was asked for.")
    except NotWaiting as refusal:
        messages.warning(request, f"{refusal} Nothing was changed.")
    return redirect("accounts:roster", pk)


@require_safe
@requires("accounts.import_accounts")
def refused(request: HttpRequest, pk: int) -> HttpResponse:
    """The lines of a roster that were refused, as a file to mend and send again."""
    found = get_object_or_404(RosterImport.objects.visible_to(request.user).exclude(content=""), pk=pk)
    response = HttpResponse(refused_lines(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="refused-{found.pk}.csv"'
    return response


@require_POST
@requires("accounts.import_accounts")
def undo_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an import back, as far as nobody changed what it did."""
    found = get_object_or_404(RosterImport.objects.visible_to(request.user), pk=pk)
    try:
        done = undo(found, request.user)
        messages.success(request, f"The import of “{found.name}” was undone. {told(done.counts)}")
    except UndoRefused as refusal:
        messages.warning(request, f"{refusal} Nothing was changed.")
    return redirect("accounts:roster", pk)


def _shown(request: HttpRequest, found: RosterImport) -> dict[str, Any]:
    """A page of the lines, of one verdict or all, with the numbers of each."""
    verdict = request.GET.get("verdict", "")
    verdict = verdict if verdict in RANKS else ""
    lines = [line for line in found.lines if not verdict or line[2] == verdict]
    lines.sort(key=lambda line: (RANKS[line[2]], line[0]))
    page = Paginator(lines, LINES_PER_PAGE).get_page(request.GET.get("page"))
    counts = [(name.value, words, found.counts.get(name.value, 0)) for name, words in NAMES.items()]
    context: dict[str, Any] = {"roster": found, "page": page, "verdict": verdict, "counts": counts}
    context["total"] = sum(found.counts.values())
    context["changing"] = found.counts.get("new", 0) + found.counts.get("updates", 0)
    context["undone"] = told(found.undoing) if found.undoing else ""
    return context
