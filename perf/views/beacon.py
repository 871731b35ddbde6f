"""The beacon: browsers tell how long a page took them."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from perf.access import signed_in
from perf.conf import setting
from perf.forms import PageViewForm
from perf.rates import rated
from perf.storing import in_memory

MAX_BYTES = 4_096


@signed_in
@require_POST
@rated("beacons")
def beacon(request: HttpRequest) -> HttpResponse:
    """Record one page's timings: 204, or 413 above MAX_BYTES, 400 for what is no timing. Nobody reads the answer."""
    if not request.user.is_authenticated:  # in a project without LoginRequiredMiddleware
        raise PermissionDenied
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
        return HttpResponse(status=413)
    form = PageViewForm(request.POST)
    if not form.is_valid():
        return HttpResponse(form.errors.as_json(), status=400, content_type="application/json")
    if setting("ENABLE_MONITORING"):  # a page that was opened before it was switched off tells all the same
        form.save(commit=not in_memory()).record()
    return HttpResponse(status=204)
