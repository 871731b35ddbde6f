"""Django's hello world: one view, no middleware, the bytes of PEER_BODY's file."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

BODY = Path(os.environ["PEER_BODY"]).read_bytes()


def hello(request: HttpRequest) -> HttpResponse:
    """Answer with the same every time."""
    return HttpResponse(BODY, headers={"Content-Type": "application/json", "Content-Length": str(len(BODY))})


urlpatterns = [path("hello", hello)]
settings.configure(
    DEBUG=False,
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    INSTALLED_APPS=[],
)
application = get_wsgi_application()
