"""Development shows what is slow: Silk records it, the toolbar is on every page, and production knows neither."""

from __future__ import annotations

import gzip
import os
import re
import sys
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from project.embedded import free_port
from tests import processes
from tests.project.test_settings import boot

# What `make dev` does before its server starts, only that all tables are made at once, then `make plant`.
PREPARE = """
import django
from django.conf import settings
settings.MIGRATION_MODULES = {app.rpartition(".")[2]: None for app in settings.INSTALLED_APPS}
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
call_command("migrate", run_syncdb=True, verbosity=0)
get_user_model().objects.create_superuser("admin", password="planted-0123")
call_command("plant")
"""
PRODUCTION = """
import sys, django
django.setup()
from django.conf import settings
from django.urls import get_resolver
get_resolver().url_patterns
import project.wsgi
tools = ("silk", "debug_toolbar", "project.planting")
print([name for name in [*settings.INSTALLED_APPS, *settings.MIDDLEWARE, *sys.modules] if name.startswith(tools)])
"""


class Browser:
    """A signed-in administrator whose browser takes compressed pages, as all do."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))
        self.opener.addheaders = [("Accept-Encoding", "gzip")]
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)', self.get("/login/")[0])
        assert token
        data = urlencode({"csrfmiddlewaretoken": token[1], "username": "admin", "password": "planted-0123"})
        self.opener.open(f"{url}/login/", data.encode())

    def get(self, path: str) -> tuple[str, str]:
        """The text at `path`, and its Content-Security-Policy."""
        with self.opener.open(self.url + path) as answer:
            raw: bytes = answer.read()
            told: str = answer.headers.get("Content-Security-Policy", "")
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode(), told


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[tuple[Browser, str]]:
    """The server of `make dev` after `make plant`, and what that said."""
    port = str(free_port())
    variables = {"DEBUG": "1", "SECRET_KEY": "k" * 50, "DATA_DIR": str(tmp_path), "PORT": port}
    said = boot(tmp_path, code=PREPARE, **variables)
    assert said.returncode == 0, said.stderr
    url = f"http://127.0.0.1:{port}"
    command = ["manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
    server = processes.start("dev", command, {"PATH": os.environ["PATH"], **variables}, url)
    yield Browser(server.wait_until(lambda: processes.answers(f"{url}/healthz")).url), said.stdout
    server.stop()


@pytest.mark.req("A31")
def test_development_shows_each_requests_queries(planted: tuple[Browser, str]) -> None:
    browser, said = planted
    where = re.search(r"Planted\. What Silk found: http://[^/]+(/silk/request/[\w-]+/sql/)", said)
    assert where, said

    shown, policy = browser.get(where[1])
    milliseconds = re.search(r"planted_slow_query.*?>([\d.]+)\s*</td>\s*</tr>", shown, re.DOTALL)
    assert milliseconds, shown
    assert float(milliseconds[1]) >= 300, "the slow query, with its time"
    assert shown.count("django_content_type") == 12, "the query per row, each time"
    assert policy == "", "Silk's pages are full of inline scripts"

    page, policy = browser.get("/planted/")
    assert "script-src 'self'" in policy, "ours stay as strict as in production"
    store = re.search(r'id="djDebug".*?data-request-id="(\w+)".*?data-render-panel-url="([^"]+)"', page, re.DOTALL)
    assert store, "no toolbar on a compressed page"
    queries, _ = browser.get(f"{store[2]}?request_id={store[1]}&panel_id=SQLPanel")
    assert "planted_slow_query" in queries


@pytest.mark.req("A31")
def test_production_has_neither_tool_nor_the_slow_page(tmp_path: Path) -> None:
    production = boot(tmp_path, code=PRODUCTION, SECRET_KEY="k" * 50, REDIS_URL="redis://127.0.0.1:1/0")
    assert production.stdout.strip() == "[]", production.stderr
    assert "silk" not in sys.modules, "nor has what tests run"


def test_planting_is_refused_outside_development() -> None:
    with pytest.raises(CommandError, match="development alone: run `make plant`"):
        call_command("plant")
