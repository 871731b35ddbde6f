"""The predecessors' answers (benchmarks.naive) behind Django's views, without any middleware to slow them down."""

from __future__ import annotations

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path


def _answer(body: str) -> HttpResponse:
    content = body.encode()
    return HttpResponse(content, headers={"Content-Type": "application/json", "Content-Length": str(len(content))})


def grid(request: HttpRequest) -> HttpResponse:
    """The first fifty rows."""
    return _answer(naive.grid(1, 50))


def history(request: HttpRequest) -> HttpResponse:
    """All days of one account."""
    return _answer(naive.history(request.GET["platform"], request.GET["handle"]))


def summary(request: HttpRequest) -> HttpResponse:
    """The latest day."""
    return _answer(naive.summary())


urlpatterns = [path("grid", grid), path("history", history), path("summary", summary)]
settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = []
application = get_wsgi_application()

from benchmarks import naive  # noqa: E402  # its models need Django to be ready
