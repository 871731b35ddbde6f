"""A person's browser over real HTTP: cookies, CSRF, one kept-alive connection; it notes what each answer took."""

from __future__ import annotations

import http.client
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

TIMEOUT = 60.0  # seconds for one answer
FORM = "application/x-www-form-urlencoded"
SESSION, CSRF = "session", "csrf"
REMEMBERED = 60  # answers whose ETag a browser sends back
_CSRF_FIELD = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
REFUSED = {409, 429}
"""Somebody was faster, or a rate was used up: an answer of its own kind, not a failure."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer: what was asked, when (perf_counter) and for how many seconds; status 0 where none came."""

    kind: str
    at: float
    seconds: float
    status: int
    cache: str = ""  # X-Cache: HIT, MISS, STALE, or nothing

    @property
    def failed(self) -> bool:
        """Whether this is neither what was wanted nor a refusal."""
        return self.status == 0 or (self.status >= 400 and self.status not in REFUSED)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by lower-case name, and the body as text; a 304 has the body that the browser kept."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


@dataclass(slots=True)
class Browser:
    """One person's; not for several threads. Everything it saw is in `seen`."""

    port: int
    seen: list[Seen] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)
    _kept: dict[str, tuple[str, str]] = field(default_factory=dict)
    _connection: http.client.HTTPConnection | None = None

    def get(self, kind: str, path: str, *, accept: str = "text/html") -> Answer:
        """GET `path`, naming the kept answer as browsers do."""
        headers = {"Accept": accept}
        if path in self._kept:
            headers["If-None-Match"] = self._kept[path][0]
        answer = self._ask(kind, "GET", path, b"", headers)
        if answer.status == 304:
            return Answer(304, answer.headers, self._kept[path][1])
        if answer.status == 200 and "etag" in answer.headers:
            if len(self._kept) >= REMEMBERED:
                self._kept.pop(next(iter(self._kept)))
            self._kept[path] = (answer.headers["etag"], answer.text)
        return answer

    def api(self, kind: str, path: str) -> Answer:
        """GET `path` as the page's script does."""
        return self.get(kind, path, accept="application/json")

    def send(self, kind: str, method: str, path: str, body: Any, **headers: str) -> Answer:
        """Send JSON, or bytes with the headers given, as the page's script does."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        kinds = {"Accept": "application/json", "Content-Type": "application/json"} | headers
        return self._ask(kind, method, path, data, kinds | {"X-CSRFToken": self.cookies.get(CSRF, "")})

    def post(self, kind: str, path: str, fields: Mapping[str, str], files: Mapping[str, bytes] | None = None) -> Answer:
        """Post a form, with `files` (JPEGs by field) as multipart; the token comes from the form's own page."""
        token = self._token(path, fields)
        body, content = _encoded({"csrfmiddlewaretoken": token} | dict(fields), files or {})
        return self._ask(kind, "POST", path, body, {"Content-Type": content, "Accept": "text/html"})

    def close(self) -> None:
        """Let the server go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _token(self, path: str, fields: Mapping[str, str]) -> str:
        """The token of the page that was read last, in the cookie; where there is none yet, the form's page is read."""
        if CSRF in self.cookies:
            return self.cookies[CSRF]
        found = _CSRF_FIELD.search(self.get("sign-in form", path).text)
        return found[1] if found else ""

    def _ask(self, kind: str, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One request; a connection that the server closed while it lay idle is opened again."""
        sent = dict(headers) | {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        sent |= {"Accept-Encoding": "identity", "Referer": f"http://127.0.0.1:{self.port}{path}"}
        fresh, started = self._connection is None, perf_counter()
        try:
            return self._answer(kind, method, path, body, sent, started)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self.close()
            if not fresh:
                return self._again(kind, method, path, body, sent)
        except (OSError, http.client.HTTPException):
            self.close()
        return self._none(kind, started)

    def _again(self, kind: str, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        started = perf_counter()
        try:
            return self._answer(kind, method, path, body, headers, started)
        except (OSError, http.client.HTTPException):
            self.close()
        return self._none(kind, started)

    def _none(self, kind: str, started: float) -> Answer:
        self.seen.append(Seen(kind, started, perf_counter() - started, 0))
        return Answer(0, {}, "")

    def _answer(  # noqa: PLR0917  # one request has these parts
        self, kind: str, method: str, path: str, body: bytes, headers: Mapping[str, str], started: float
    ) -> Answer:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        self._connection.request(method, path, body or None, dict(headers))
        response = self._connection.getresponse()
        data = response.read()
        told = {name.lower(): value for name, value in response.getheaders()}
        self.seen.append(Seen(kind, started, perf_counter() - started, response.status, told.get("x-cache", "")))
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return Answer(response.status, told, data.decode("utf-8", "replace"))


def _encoded(fields: Mapping[str, str], files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """The body of a form and its Content-Type."""
    if not files:
        return urlencode(fields).encode(), FORM
    mark = secrets.token_hex(16)
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, data in files.items():
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="IMG_0001.jpg"\r\n'
        parts.append(f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + data + b"\r\n")
    return b"".join([*parts, f"--{mark}--\r\n".encode()]), f"multipart/form-data; boundary={mark}"
