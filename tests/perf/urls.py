"""Addresses for perf's tests."""

from __future__ import annotations

import json
from time import sleep

from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.urls import path
from django.views.decorators.cache import never_cache

from perf.access import anyone
from perf.compression import shows_no_secret

ROWS = [
    [f"2026-{number % 12 + 1:02}-01", "x", f"agency_{number}", number * 7919 % 100_003, number % 17]
    for number in range(200)
]
GRID = json.dumps({"data": ROWS, "total": 200}, separators=(",", ":")).encode()


@anyone
def grid(request: HttpRequest) -> HttpResponse:
    return HttpResponse(GRID, content_type="application/json", headers={"ETag": '"abc"'})


@anyone
def small(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"x" * 199, content_type="text/plain")


@anyone
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"<form>{get_token(request)}</form>{'<p>row</p>' * 500}")


@anyone
@never_cache
@shows_no_secret
def fresh_page(request: HttpRequest) -> HttpResponse:
    return page(request)


@anyone
def secret(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<p>once</p>" * 500, headers={"Cache-Control": "no-store"})


@anyone
def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse((f"{number},row\n".encode() for number in range(20_000)), content_type="text/csv")


@anyone
def picture(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"\xff" * 5000, content_type="image/jpeg")


@anyone
def encoded(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"x" * 500, content_type="text/plain", headers={"Content-Encoding": "zstd"})


@anyone
def slow(request: HttpRequest, rest: str) -> HttpResponse:
    sleep(0.05)
    return HttpResponse("slow")


@anyone
def failing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(looked_up())


def looked_up() -> bytes:
    raise LookupError


@anyone
def asking(request: HttpRequest) -> HttpResponse:
    for _ in range(6):
        list(Group.objects.filter(name="secret name"))
    return HttpResponse("asked")


@anyone
def remembering(request: HttpRequest) -> HttpResponse:
    request.session["seen"] = True
    return HttpResponse("remembered")


urlpatterns = [
    path("remembering", remembering),
    path("grid", grid),
    path("small", small),
    path("page", page),
    path("fresh-page", fresh_page),
    path("secret", secret),
    path("stream", stream),
    path("picture", picture),
    path("encoded", encoded),
    path("slow/<path:rest>", slow),
    path("failing", failing),
    path("asking", asking),
]
