"""The addresses of somebody else's project."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from ninja import NinjaAPI
from ninja.security import django_auth

from perf.access import signed_in
from perf.cache import Family, cached

TIDES = Family("tides", timeout=60)


@signed_in
def tides(request: HttpRequest) -> HttpResponse:
    """A kept answer of the project's own."""
    found = cached(TIDES, "today", lambda: b"High water at noon")
    return HttpResponse(found.value, headers={"X-Cache": found.state})


urlpatterns = [path("tides/", tides)]
if "workitems" in settings.TAKEN:
    api = NinjaAPI(auth=django_auth)
    api.add_router("", "workitems.api.router")
    urlpatterns += [path("workitems/", include("workitems.urls")), path("api/", api.urls)]
