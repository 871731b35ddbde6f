"""Pages that bring in past figures, show what was brought in before, and undo it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Account
from perf.access import requires
from snapshots.forms import PastFiguresForm
from snapshots.importing import Report, Verdict, undo
from snapshots.models import ImportBatch

LINES_SHOWN = 200
IMPORTS_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@requires("snapshots.import_snapshots")
def past(request: HttpRequest) -> HttpResponse:
    """Import past figures: first what would become of every line, then, when asked to, the import itself."""
    form = PastFiguresForm(request.POST or None, request.FILES or None)
    report = form.run(request.user, commit="import" in request.POST) if form.is_valid() else None
    context: dict[str, Any] = {"form": form, "report": report}
    if report:
        context |= _shown(report)
        context |= {"again": PastFiguresForm(initial={"text": form.kept}), "choose_again": not form.kept}
    context["imports"] = ImportBatch.objects.visible_to(request.user).for_page()[:IMPORTS_SHOWN]
    return render(request, "snapshots/past.html", context)


def _shown(report: Report) -> dict[str, Any]:
    """The lines and leaps that need a look first, each leap with its account."""
    order = [Verdict.REFUSED, Verdict.KEPT, Verdict.DUPLICATE]
    notes = sorted(report.notes, key=lambda note: (order.index(note.verdict), note.number))[:LINES_SHOWN]
    leaps = report.leaps[:LINES_SHOWN]
    accounts = Account.objects.in_bulk([leap.account_id for leap in leaps])
    named = [(leap, accounts[leap.account_id]) for leap in leaps if leap.account_id in accounts]
    return {"notes": notes, "leaps": named, "totals": report.totals}


@require_POST
@requires("snapshots.import_snapshots")
def undo_import(request: HttpRequest, pk: int) -> HttpResponse:
    """Take away what an import stored, as far as it still says what it said then."""
    batch = get_object_or_404(ImportBatch.objects.visible_to(request.user), pk=pk)
    removed, kept = undo(batch, request.user)
    stays = (
        f" {kept:,} {'has' if kept == 1 else 'have'} changed since then and {'stays' if kept == 1 else 'stay'}."
        if kept
        else ""
    )
    days = "1 day of" if removed == 1 else f"{removed:,} days of"
    messages.success(request, f"{days} “{batch.name}” {'was' if removed == 1 else 'were'} taken away.{stays}")
    return redirect("snapshots:past")
