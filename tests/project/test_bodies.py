from __future__ import annotations

import errno
import io
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import RequestFactory

from project import bodies
from project.bodies import UNREAD, Received, UnreadMiddleware
from tests import factories

FORM = "application/x-www-form-urlencoded"
TOKEN = "a" * 32


class Asked:
    """An application that keeps what it was asked."""

    def __init__(self) -> None:
        self.environ: dict[str, Any] = {}
        self.body = b""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.environ, self.body = environ, b"" if UNREAD in environ else environ["wsgi.input"].read()
        return [b""]


def asked(body: bytes = b"a=1", **environ: Any) -> Asked:
    """What the application is asked when `body` arrives, with its length unless `environ` says another."""
    seen = Asked()
    given = {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)} | environ
    Received(seen)({"REMOTE_ADDR": "203.0.113.9", **given}, None)  # type: ignore[arg-type]  # it is not called
    return seen


def test_whole_body_reaches_the_application() -> None:
    assert asked(b"a" * 3_000_000, CONTENT_TYPE="multipart/form-data; boundary=x").body == b"a" * 3_000_000
    assert asked(b"", CONTENT_LENGTH="").body == b""


@pytest.mark.parametrize(
    ("status", "environ"),
    [
        (411, {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}),
        (415, {"HTTP_CONTENT_ENCODING": "gzip"}),
        (400, {"CONTENT_LENGTH": "4"}),
        (400, {"CONTENT_LENGTH": "4", "CONTENT_TYPE": "application/json"}),
    ],
)
def test_body_that_is_not_whole_or_not_plain_is_worked_on_by_nobody(status: int, environ: dict[str, str]) -> None:
    assert asked(**environ).environ[UNREAD] == status


def test_piece_of_a_photo_counts_as_far_as_it_arrived() -> None:
    assert asked(b"abc", CONTENT_LENGTH="9", CONTENT_TYPE="application/octet-stream").body == b"abc"


def test_body_larger_than_any_is_neither_read_nor_worked_on(settings: Any) -> None:
    class Unread(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("it was read")

    length = str(settings.MAX_REQUEST_BYTES + 1)
    assert asked(CONTENT_LENGTH=length, **{"wsgi.input": Unread()}).environ[UNREAD] == 413


@pytest.mark.parametrize("kind", ["text/csv", "application/json", "image/jpeg"])
def test_body_that_a_view_reads_by_itself_is_here_before_it_is_asked(kind: str, settings: Any) -> None:
    """A roster, a piece of a photo: whatever its type, nobody waits for its sender in a seat."""
    body = b"a" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    given = io.BytesIO(body)
    seen = asked(body, CONTENT_TYPE=kind, **{"wsgi.input": given})
    assert seen.body == body
    assert seen.environ["wsgi.input"] is not given


def test_full_disk_refuses_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bodies, "SpooledTemporaryFile", lambda max_size: Full())
    assert asked().environ[UNREAD] == 507


def while_kept(*sent: tuple[str, int]) -> list[int | None]:
    """Why each body, of an address and so many bytes, is not read while all those before it are kept; None: it is."""
    left, found = list(sent), list[int | None]()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        found.append(environ.get(UNREAD))
        send()
        return [b""]

    def send() -> None:
        if left:
            address, size = left.pop(0)
            body = {"CONTENT_LENGTH": str(size), "CONTENT_TYPE": FORM, "wsgi.input": io.BytesIO(b"a" * size)}
            room({"REMOTE_ADDR": address, **body}, None)  # type: ignore[arg-type]  # it is not called

    room = Received(application)
    send()
    assert (room._readers._taken, room._disk._taken) == ({}, {}), "a place was not given back"
    return found


def test_one_address_leaves_places_to_others_and_no_place_refuses_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "READERS", 8)
    monkeypatch.setattr(bodies, "FROM_ONE_ADDRESS", 6)
    ours, others, third = ("192.0.2.1", 1), ("192.0.2.7", 1), ("192.0.2.9", 1)
    assert while_kept(*[ours] * 7, *[others] * 2, third) == [None] * 6 + [503] + [None] * 2 + [503]


@pytest.mark.parametrize(
    ("addresses", "taken"),
    [
        (("2001:db8::1", "2001:db8::2"), 1),
        (("2001:db8::1", "2001:db8:0:1::1"), 2),
        (("::ffff:192.0.2.1", "192.0.2.1"), 1),
        (("::ffff:192.0.2.1", "::ffff:192.0.2.7"), 2),
    ],
)
def test_addresses_that_one_customer_is_given_share_the_places_of_one(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...], taken: int
) -> None:
    monkeypatch.setattr(bodies, "FROM_ONE_ADDRESS", 1)
    assert while_kept(*((address, 1) for address in addresses)).count(None) == taken


LARGEST = bodies.IN_MEMORY + 1


def test_bodies_take_the_disk_of_four_of_the_largest_and_one_address_that_of_two(settings: Any) -> None:
    settings.MAX_REQUEST_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = LARGEST
    ours, others, third = ("192.0.2.1", LARGEST), ("192.0.2.7", LARGEST), ("192.0.2.9", LARGEST)
    assert while_kept(*[ours] * 3, *[others] * 2, third) == [None] * 2 + [503] + [None] * 2 + [503]
    settings.TRUSTED_PROXIES = ["192.0.2.1"]
    assert while_kept(*[ours] * 5) == [None] * 4 + [503], "what comes by a proxy is everybody's"


def test_body_that_stays_in_memory_is_read_though_the_disk_is_promised_to_others(settings: Any) -> None:
    settings.MAX_REQUEST_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = LARGEST
    others = [("192.0.2.1", LARGEST)] * 2 + [("192.0.2.7", LARGEST)] * 2
    assert while_kept(*others, ("192.0.2.1", bodies.IN_MEMORY))[-1] is None


def test_all_bodies_that_stay_in_memory_take_little_of_it() -> None:
    assert bodies.READERS * bodies.IN_MEMORY <= 32 * 2**20


@pytest.mark.parametrize(("path", "kind"), [("/api/uploads", "application/json"), ("/workitems/new/", "text/html")])
def test_refusal_is_told_as_json_or_as_a_page(path: str, kind: str) -> None:
    request = RequestFactory().post(path, headers={"Accept": "text/html"})
    request.META[UNREAD] = bodies.BUSY
    response: Any = UnreadMiddleware(lambda request: pytest.fail("it was worked on"))(request)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response["Content-Type"].startswith(kind)
    assert b"Nothing was changed" in response.content


@pytest.fixture
def address(server: Any) -> tuple[str, int]:
    """Where the real web server listens."""
    where = urlsplit(server.url)
    return str(where.hostname), int(where.port or 0)


@pytest.fixture
def dripping(address: tuple[str, int]) -> Iterator[list[socket.socket]]:
    """A hundred connections that have sent one byte of a form, and hold the server to the rest."""
    head = f"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: csrf={TOKEN}\r\nContent-Type: {FORM}\r\n"
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_connection(address)) for _ in range(100)]
        for one in sockets:
            one.sendall(f"{head}Content-Length: 1000\r\n\r\na".encode())
        yield sockets


@pytest.mark.django_db(transaction=True)
def test_hundred_dripping_connections_stop_nobody(address: tuple[str, int], dripping: list[socket.socket]) -> None:
    factories.user("viewer", username="ann")
    for one in dripping:
        one.sendall(b"a")
    page = said(address, "GET /login/ HTTP/1.1\r\n")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    cookie = re.search(r"csrf=(\w+);", page)
    assert token
    assert cookie
    form = f"csrfmiddlewaretoken={token[1]}&username=ann&password={factories.PASSWORD.replace(' ', '+')}"
    lines = f"Cookie: csrf={cookie[1]}\r\nContent-Type: {FORM}\r\nContent-Length: {len(form)}\r\n"
    assert said(address, f"POST /login/ HTTP/1.1\r\n{lines}", form).startswith("HTTP/1.1 302")
    for one in dripping:
        one.setblocking(False)
        with pytest.raises(BlockingIOError):  # none was answered or cut off: they did hold the server
            one.recv(1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("lines", ["Transfer-Encoding: chunked", "Content-Encoding: gzip\r\nContent-Length: 3"])
def test_server_says_why_it_read_nothing(address: tuple[str, int], lines: str) -> None:
    body = "3\r\na=1\r\n0\r\n\r\n" if "chunked" in lines else "a=1"
    answer = said(address, f"POST /api/uploads HTTP/1.1\r\nContent-Type: application/json\r\n{lines}\r\n", body)
    assert answer.startswith("HTTP/1.1 411" if "chunked" in lines else "HTTP/1.1 415")
    assert "The body was not read" in answer
    assert "default-src 'none'" in answer


def said(address: tuple[str, int], head: str, body: str = "") -> str:
    """The whole answer to one request."""
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(f"{head}Host: 127.0.0.1\r\nConnection: close\r\n\r\n{body}".encode())
        return b"".join(iter(lambda: connection.recv(65_536), b"")).decode(errors="replace")
