from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from django.conf import settings as product
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.messages import INFO
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpResponse
from django.test import Client, RequestFactory

from project.headers import Messages
from project.session_store import SessionStore

pytestmark = pytest.mark.django_db


def policy(response: Any) -> dict[str, set[str]]:
    """The Content-Security-Policy as directive → sources."""
    directives = (part.split() for part in response["Content-Security-Policy"].split(";"))
    return {name: set(sources) for name, *sources in directives}


@pytest.mark.parametrize("address", ["/login/", "/nothing/", "/api/nothing", "/healthz", "/admin/"])
def test_every_answer_carries_the_strict_headers(address: str, client: Client) -> None:
    response = client.get(address)
    csp = policy(response)
    assert csp["default-src"] == {"'none'"}
    assert csp["script-src"] == csp["style-src"] == csp["connect-src"] == csp["form-action"] == {"'self'"}
    assert csp["img-src"] == {"'self'", "data:"}
    assert csp["frame-ancestors"] == csp["base-uri"] == {"'none'"}
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


def test_session_cookie_is_kept_from_scripts_and_other_sites(client: Client, person: Callable[..., User]) -> None:
    person("ann", password="a long enough phrase 42")
    client.post("/login/", {"username": "ann", "password": "a long enough phrase 42"})
    cookie = client.cookies[product.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]


def test_https_redirects_and_tells_browsers_to_stay_but_lets_balancers_ask(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 31_536_000
    assert client.get("/login/")["Location"] == "https://testserver/login/"
    assert client.get("/healthz").status_code == 200
    assert client.get("/login/", secure=True)["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.parametrize("is_signed_in", [False, True])
def test_messages_make_no_session_for_who_has_none(is_signed_in: bool) -> None:
    request = RequestFactory().get("/")
    request.session = SessionStore()
    if is_signed_in:
        request.session[SESSION_KEY] = "1"
    messages = Messages(request)
    for _ in range(40):  # more than a cookie holds
        messages.add(INFO, token_hex(50))
    messages.update(HttpResponse())
    assert set(request.session.keys()) == ({SESSION_KEY, SessionStorage.session_key} if is_signed_in else set())


PAGES = [
    "/login/",
    "/tokens/",
    "/password/",
    "/password/reset/",
    "/nothing/",
    "/api/docs",
    "/admin/",
    "/admin/auth/user/add/",
]


@pytest.mark.parametrize("address", PAGES)
def test_page_holds_nothing_the_policy_would_block(address: str, client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    if address == "/login/":
        client.logout()
    page = client.get(address).content.decode()
    assert "<html" in page
    assert len(re.findall(r'<link rel="icon"', page)) == 1  # or the browser asks for /favicon.ico
    for attributes, body in re.findall(r"<script\b([^>]*)>(.*?)</script>", page, re.DOTALL):
        assert 'type="application/json"' in attributes or (not body.strip() and 'src="/' in attributes)
    assert not re.findall(r"<style\b|\sstyle=|\son[a-z]+=|javascript:", page)
    loaded = re.findall(r"<(?:link|img|script|iframe)\b[^>]*?\b(?:href|src)=\"([^\"]+)\"", page)
    assert loaded
    assert [name for name in loaded if not name.startswith(("/static/", "/admin/jsi18n/", "data:"))] == []


def test_api_documentation_page_finds_its_files(client: Client) -> None:
    from django.contrib.staticfiles import finders

    client.force_login(User.objects.create_superuser("root"))
    page = client.get("/api/docs").content.decode()
    files = re.findall(r'"/static/([^"]+)"', page)
    assert {Path(name).suffix for name in files} == {".svg", ".css", ".js"}
    assert all(finders.find(name) for name in files)
    assert client.get("/api/openapi.json").json()["info"]["title"] == "Tidemark"
