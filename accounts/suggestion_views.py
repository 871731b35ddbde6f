"""Names that a field suggests while somebody types."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Organization
from perf.access import requires

SUGGESTED = 20
LONGEST = 200


@require_safe
@requires("accounts.view_account")
def organizations(request: HttpRequest) -> HttpResponse:
    """Options for a datalist: organisations whose name holds what was typed, in whatever field."""
    typed = str(next(iter(request.GET.values()), "")).replace("\x00", "").strip()[:LONGEST]
    found = Organization.objects.filter(name__icontains=typed).order_by("name")
    names = found.values_list("name", flat=True)[:SUGGESTED]
    return render(request, "accounts/_organizations.html", {"names": names})
