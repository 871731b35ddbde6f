"""A view of the project's own that asks the same thing again and again."""

from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def berths(request: HttpRequest) -> HttpResponse:
    """An N+1."""
    for number in range(12):
        list(Group.objects.filter(pk=number))
    return HttpResponse("berths")


urlpatterns = [path("berths/", berths, name="berths"), path("performance/", include("perf.urls"))]
