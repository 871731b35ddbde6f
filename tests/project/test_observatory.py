"""The rules of Mozilla's HTTP Observatory (its scoring table and v2's resource policy), asked of the real server."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from http.cookies import Morsel, SimpleCookie
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests import factories, processes

HOST = "tidemark.example.org"
HALF_A_YEAR = 15_768_000  # seconds; Observatory's hsts-implemented-max-age-at-least-six-months


class Answer(NamedTuple):
    """One answer of the server behind its proxy."""

    status: int
    headers: list[tuple[str, str]]
    body: str

    def header(self, name: str) -> str:
        """The one value of a header; empty where it is not sent."""
        found = [value for known, value in self.headers if known.lower() == name]
        assert len(found) < 2, f"{name} is sent {len(found)} times"
        return found[0] if found else ""

    @property
    def policy(self) -> dict[str, list[str]]:
        """The Content-Security-Policy as directive → sources."""
        parts = [part.split() for part in self.header("content-security-policy").split(";") if part.strip()]
        return {name: sources for name, *sources in parts}

    @property
    def cookies(self) -> list[Morsel[str]]:
        """Every cookie that is set."""
        given = [SimpleCookie(value) for name, value in self.headers if name.lower() == "set-cookie"]
        return [morsel for cookie in given for morsel in cookie.values()]


class Site:
    """The product at https://tidemark.example.org, behind a proxy at loopback."""

    def __init__(self, url: str) -> None:
        self.port = int(urlsplit(url).port or 0)
        self.kept: dict[str, str] = {}

    def ask(self, path: str, *, form: str = "", scheme: str = "https") -> Answer:
        """GET `path`, or POST `form` to it, with the cookies so far."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.kept.items())
        headers = {"Host": HOST, "X-Forwarded-Proto": scheme, "X-Forwarded-For": "203.0.113.9", "Cookie": cookies}
        headers |= {"Accept": "text/html", "Referer": f"https://{HOST}{path}"}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST" if form else "GET", path, form or None, headers)
        got = connection.getresponse()
        answer = Answer(got.status, got.getheaders(), got.read().decode(errors="replace"))
        connection.close()
        self.kept |= {cookie.key: cookie.value for cookie in answer.cookies}
        return answer


@pytest.fixture
def site(transactional_db: None) -> Iterator[Site]:
    """The real web server as it stands on the internet."""
    own = {"BASE_URL": f"https://{HOST}", "ALLOWED_HOSTS": f"{HOST},127.0.0.1", "TRUSTED_PROXIES": "127.0.0.1"}
    process = processes.start_server(**own)
    yield Site(process.url)
    process.stop()


def csp_without_unsafe_and_default_none(answer: Answer) -> bool:
    """csp-implemented-with-no-unsafe-default-src-none: +10."""
    sources = [source for given in answer.policy.values() for source in given]
    loose = {"'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "*", "http:", "https:"}
    from_http = [source for source in sources if source.startswith("http://")]
    return answer.policy["default-src"] == ["'none'"] and not loose & {*sources} and not from_http


def no_data_where_it_could_run(answer: Answer) -> bool:
    """Observatory counts `data:` in script-src, object-src or style-src as unsafe-inline."""
    return not any("data:" in answer.policy.get(name, []) for name in ("script-src", "object-src", "style-src"))


def cookies_are_secure_and_sessions_httponly(answer: Answer) -> bool:
    """cookies-secure-with-httponly-sessions-and-samesite: +5; `__Host-` wants Secure, Path=/ and no Domain."""
    return all(
        morsel["secure"] and morsel["httponly"] and morsel["samesite"] in {"Lax", "Strict"}
        and morsel.key.startswith("__Host-") and morsel["path"] == "/" and not morsel["domain"]
        for morsel in answer.cookies
    )  # fmt: skip


def nothing_is_shared_across_origins(answer: Answer) -> bool:
    """cross-origin-resource-sharing-not-implemented: 0."""
    return not any(name.lower().startswith("access-control-") for name, _ in answer.headers)


def scripts_come_from_here(answer: Answer) -> bool:
    """sri-not-implemented-but-all-scripts-loaded-from-secure-origin: 0; a path of our own, not //elsewhere."""
    sources = re.findall(r"<script\b[^>]*\bsrc=\"([^\"]*)", answer.body)
    return all(source.startswith("/") and not source.startswith("//") for source in sources)


def hsts_lasts_half_a_year(answer: Answer) -> bool:
    """hsts-implemented-max-age-at-least-six-months: 0. Other names of the domain are not ours to bind."""
    said = re.fullmatch(r"max-age=(\d+)", answer.header("strict-transport-security"))
    return bool(said and int(said[1]) >= HALF_A_YEAR)


RULES = {
    "content-security-policy": csp_without_unsafe_and_default_none,
    "content-security-policy: data": no_data_where_it_could_run,
    "cookies": cookies_are_secure_and_sessions_httponly,
    "cross-origin-resource-sharing": nothing_is_shared_across_origins,
    "subresource-integrity": scripts_come_from_here,
    "strict-transport-security": hsts_lasts_half_a_year,
    "x-content-type-options": lambda answer: answer.header("x-content-type-options") == "nosniff",
    "x-frame-options": lambda answer: answer.policy["frame-ancestors"] == ["'none'"],
    "referrer-policy": lambda answer: answer.header("referrer-policy") == "same-origin",
    "cross-origin-resource-policy": lambda answer: answer.header("cross-origin-resource-policy") == "same-origin",
    "cross-origin-opener-policy": lambda answer: answer.header("cross-origin-opener-policy") == "same-origin",
    "permissions-policy": lambda answer: (
        {"camera=()", "geolocation=()", "microphone=()"} <= {*answer.header("permissions-policy").split(", ")}
    ),
    "base-uri and form-action": lambda answer: (
        answer.policy["base-uri"] == ["'none'"] and answer.policy["form-action"] == ["'self'"]
    ),
}
"""Every rule of the table that a page can break; contribute.json is for Mozilla's own sites, key pinning is history."""

ADDRESSES = {
    "/": 302,
    "/login/": 200,
    "/nothing/": 404,
    "/api/grid": 401,
    "/healthz": 200,
    "/api/docs": 302,
    "/admin/": 302,
}
SIGNED_IN = ("/", "/accounts/?keep=1&fields=followers", "/workitems/", "/scraping/", "/admin/", "/tokens/", "/api/grid")


@pytest.mark.django_db(transaction=True)
def test_site_under_https_keeps_every_rule_of_the_observatory(site: Site) -> None:
    factories.user("admin", username="ann")
    answers = {path: site.ask(path) for path in ADDRESSES}
    assert {path: answer.status for path, answer in answers.items()} == ADDRESSES
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', answers["/login/"].body)
    assert token
    form = f"csrfmiddlewaretoken={token[1]}&username=ann&password={factories.PASSWORD.replace(' ', '+')}"
    answers["signing in"] = site.ask("/login/", form=form)
    assert answers["signing in"].status == 302
    answers |= {f"{path} signed in": site.ask(path) for path in SIGNED_IN}
    assert {cookie.key for answer in answers.values() for cookie in answer.cookies} >= {"__Host-session", "__Host-csrf"}
    broken = [(path, rule) for path, answer in answers.items() for rule, holds in RULES.items() if not holds(answer)]
    assert broken == []
    onwards = site.ask("/accounts/?q=a", scheme="http")  # redirection-to-https: the same host first
    assert (onwards.status, onwards.header("location")) == (301, f"https://{HOST}/accounts/?q=a")
