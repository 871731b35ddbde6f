"""The page of one's own exports: start one, see how far it is, fetch its file, take it back."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from perf.access import requires
from perf.rates import rated, spend
from snapshots.exports import asking, serving
from snapshots.exports.formats import FORMATS
from snapshots.exports.forms import ExportForm
from snapshots.exports.jobs import ExportJob, State
from snapshots.exports.listed import as_listed
from snapshots.exports.streams import stream
from snapshots.listing import COOKIE

SHOWN = 25
WRITING = "The export is being written. You may leave this page; the file waits for you here."
NAMES = {"day": "days", "from": "since", "to": "until"}
"""What the form calls the fields of an address."""


@require_safe
@requires("snapshots.view_snapshot", "snapshots.export_snapshots")
def exports(request: HttpRequest) -> HttpResponse:
    """One's own exports, newest first, and the form for another, filled in by the address."""
    return _page(request, ExportForm(initial=_initial(request.GET)))


@require_POST
@requires("snapshots.view_snapshot", "snapshots.export_snapshots")
def start(request: HttpRequest) -> HttpResponse:
    """Ask for an export; a worker writes it. What cannot be meant does not count as one."""
    form = ExportForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    spend(request, "exports")
    if form.start(request.user) is None:
        return _page(request, form)
    messages.success(request, WRITING)
    return redirect("snapshots:exports")


@require_safe
@requires("accounts.view_account", "snapshots.view_snapshot", "snapshots.export_snapshots")
@rated("exports")
def listed(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The list of accounts as its page shows it, as a file; a large one is written by a worker."""
    if kind not in FORMATS:
        raise Http404
    filters = as_listed(request.GET, request.COOKIES.get(COOKIE, ""))
    if not filters.are_more_than(settings.EXPORT_STREAM_ROWS, request.user):
        return stream(kind, filters, request.user)
    try:
        asking.ask(kind, filters, request.user)
        messages.success(request, WRITING)
    except asking.Refused as refused:
        messages.warning(request, str(refused))
    return redirect("snapshots:exports")


@require_safe
@requires("snapshots.view_snapshot", "snapshots.export_snapshots")
def live(request: HttpRequest) -> HttpResponse:
    """The list of exports alone, for the page that asks again while one is being written."""
    return render(request, "snapshots/_exports.html", _listed(request))


@require_http_methods(["GET", "HEAD"])
@requires("snapshots.view_snapshot", "snapshots.export_snapshots")
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file of an export, whole or from any byte on."""
    job = get_object_or_404(ExportJob.objects.of(request.user), pk=pk, state=State.DONE)
    try:
        return serving.send(job, request.headers)
    except FileNotFoundError as error:
        raise Http404 from error


@require_POST
@requires("snapshots.view_snapshot", "snapshots.export_snapshots")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel an export, or delete its file."""
    job = get_object_or_404(ExportJob.objects.of(request.user), pk=pk)
    asking.take_back(job, request.user)
    told = "The export was cancelled; nothing of its file is kept." if job.is_open else "The export was deleted."
    messages.success(request, told)
    return redirect("snapshots:exports")


def _page(request: HttpRequest, form: ExportForm) -> HttpResponse:
    status = 400 if form.errors else 200
    return render(request, "snapshots/exports.html", {"form": form} | _listed(request), status=status)


def _listed(request: HttpRequest) -> dict[str, Any]:
    jobs = list(ExportJob.objects.of(request.user).for_list()[:SHOWN])
    under_way = any(job.is_open for job in jobs)
    return {"jobs": jobs, "under_way": under_way, "hours": settings.EXPORT_KEEP_HOURS}


def _initial(query: QueryDict) -> dict[str, Any]:
    """What the form says for an address: the list of accounts writes yes and no as 1 and 0."""
    initial: dict[str, Any] = {NAMES.get(name, name): query[name] for name in query}
    initial["tag"] = query.getlist("tag")
    for name in ("core", "active"):
        initial[name] = {"1": "true", "0": "false", "all": ""}.get(query.get(name, ""), query.get(name, ""))
    return initial
