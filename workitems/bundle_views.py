"""Word files to fetch: of one item at once, of many as a zip that a worker writes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from perf import downloads
from perf.access import requires
from perf.events import happened
from perf.rates import spend
from workitems import bundles
from workitems.bulk import Chosen
from workitems.documents import CONTENT_TYPE, file_name, write
from workitems.listing import Filters, all_of
from workitems.models import Bundle, Document, Photo, WorkItem
from workitems.models.files import KEEP_HOURS
from workitems.writes import back, found_item

SHOWN = 25
WRITING = "The file is being written. You may leave this page; it waits for you here."


class NumbersForm(forms.Form):
    """The items of a bundle."""

    numbers = forms.CharField(
        label="Item numbers",
        max_length=60 * bundles.MOST,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "placeholder": "0101\n0102"}),
        help_text=f"One a line, or with commas between them; at most {bundles.MOST}.",
    )


@require_safe
@requires("workitems.review_workitem")
def document(request: HttpRequest, number: str) -> HttpResponseBase:
    """The Word file of an item as it is now; with ?version=, the one that was kept when that version was completed."""
    return send_document(found_item(request, number), request.GET.get("version", ""))


@require_POST
@requires("workitems.review_workitem")
def make_again(request: HttpRequest, number: str) -> HttpResponse:
    """Have the Word file that could not be made when the review was completed tried again."""
    item = found_item(request, number)
    with transaction.atomic():
        if Document.objects.filter(work_item=item).try_again():
            happened(request.user, "workitems.make_document_again", item.number)
    messages.success(request, f"The Word file of {item.number} is tried again within a minute.")
    return back(request, item)


def send_document(item: WorkItem, version: str = "") -> HttpResponseBase:
    """The file as an answer. Raises Http404 where there is none of that version."""
    if version:
        return _kept(item, version)
    into = BytesIO()
    write(item, Photo.objects.present().in_order().filter(work_item=item), into)
    into.seek(0)
    return _attachment(into, file_name(item))


def _kept(item: WorkItem, version: str) -> HttpResponseBase:
    rows = Document.objects.filter(work_item=item, made_at__isnull=False)
    found = get_object_or_404(rows, version=int(version) if version.isdecimal() and len(version) < 10 else 0)
    try:
        return _attachment(found.file.open("rb"), found.name)
    except FileNotFoundError as gone:
        raise Http404 from gone


def _attachment(file: Any, name: str) -> HttpResponseBase:
    answer = FileResponse(file, as_attachment=True, filename=name, content_type=CONTENT_TYPE)
    answer["Cache-Control"] = "private, no-store"
    return answer


@cache_control(private=True, no_cache=True)  # not no-store: such a page is sent uncompressed
@require_http_methods(["GET", "HEAD", "POST"])
@requires("workitems.review_workitem")
def documents(request: HttpRequest) -> HttpResponse:
    """One's own bundles, newest first, and the form for another; POST asks for one."""
    if request.method != "POST":
        return _page(request, NumbersForm(initial={"numbers": "\n".join(_listed_items(request))}))
    given = _given(request)
    form = NumbersForm({"numbers": "\n".join(given)})
    if form.is_valid():
        spend(request, "exports")
        try:
            bundles.ask(given, request.user)
        except ValidationError as refused:
            form.add_error("numbers", refused)
        else:
            messages.success(request, WRITING)
            return redirect("workitems:documents")
    return _page(request, form)


def _given(request: HttpRequest) -> list[str]:
    """The numbers that are asked for: typed, or those of items that were chosen in the review queue."""
    if "numbers" in request.POST:
        return request.POST["numbers"].replace(",", "\n").split("\n")
    return [item.number for item in Chosen.of(request.POST.getlist("item")).rows(request.user)]


def _listed_items(request: HttpRequest) -> list[str]:
    """The numbers that the query string of a list means, in its order, as far as they fit; none without one."""
    if not request.GET:
        return []
    return list(all_of(Filters.of(request.GET), request.user).values_list("number", flat=True)[: bundles.MOST])


@require_safe
@requires("workitems.review_workitem")
def live(request: HttpRequest) -> HttpResponse:
    """The list of bundles alone, for the page that asks again while one is being written."""
    return render(request, "workitems/_bundles.html", _listed(request))


@require_safe
@requires("workitems.review_workitem")
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file of a bundle, whole or from any byte on."""
    try:
        return send_bundle(request, get_object_or_404(Bundle.objects.of(request.user), pk=pk, state=Bundle.State.DONE))
    except FileNotFoundError as gone:
        raise Http404 from gone


def send_bundle(request: HttpRequest, bundle: Bundle) -> HttpResponseBase:
    """The file of `bundle`, which is done, as the request asks for it. FileNotFoundError when it was just removed."""
    file = bundles.path_of(bundle).open("rb")
    made = bundle.ended_at or bundle.created_at
    return downloads.send(
        file,
        request.headers,
        tag=bundle.file.hex,
        made=made,
        name=bundle.file_name,
        content_type="application/zip",
    )


@require_POST
@requires("workitems.review_workitem")
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel a bundle, or delete its file."""
    bundle = get_object_or_404(Bundle.objects.of(request.user), pk=pk)
    bundles.take_back(bundle, request.user)
    told = "It was cancelled; nothing of its file is kept." if bundle.is_open else "The file was deleted."
    messages.success(request, told)
    return redirect("workitems:documents")


def _page(request: HttpRequest, form: NumbersForm) -> HttpResponse:
    status = 400 if form.errors else 200
    return render(request, "workitems/documents.html", {"form": form} | _listed(request), status=status)


def _listed(request: HttpRequest) -> dict[str, Any]:
    rows = list(Bundle.objects.of(request.user)[:SHOWN])
    return {"bundles": rows, "under_way": any(row.is_open for row in rows), "hours": KEEP_HOURS}
