"""Slow readers: they take few threads, and nobody else's."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import FileResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from project import listening, sending
from project.access import warmed
from project.bodies import BUSY, UNREAD, Received
from project.sending import AT_ONCE, Sent
from tests import factories


def stream(environ: dict[str, Any], start: Any) -> Any:
    """What has no end that anybody knows; nothing where it is refused."""
    start("200 OK", [])
    return [b"refused"] if UNREAD in environ else StreamingHttpResponse([b"a", b"b"])


def ask(sent: Sent, address: str = "192.0.2.1") -> Any:
    return sent({"REMOTE_ADDR": address}, lambda *said: None)


def test_no_more_answers_are_on_their_way_than_there_are_threads_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "STREAMS", 5)
    monkeypatch.setattr(sending, "STREAMS_TO_ONE_ADDRESS", 3)
    sent = Sent(stream)
    held = [ask(sent) for _ in range(3)]
    assert ask(sent) == [b"refused"], "one address never takes all"
    held += [ask(sent, "192.0.2.7") for _ in range(2)]
    assert ask(sent, "192.0.2.9") == [b"refused"]
    held.pop().close()
    with closing(ask(sent, "192.0.2.9")) as pieces:
        assert b"".join(pieces) == b"ab"
    for one in held:
        one.close()
    assert not sent._streams._taken


def test_addresses_that_one_customer_is_given_share_the_places_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "STREAMS_TO_ONE_ADDRESS", 1)
    sent = Sent(stream)
    with closing(ask(sent, "2001:db8::1")):
        assert ask(sent, "2001:db8::2") == [b"refused"]


def test_refused_answer_is_closed_and_said_to_be_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "STREAMS", 0)
    file, found = io.BytesIO(b"a"), []

    def application(environ: dict[str, Any], start: Any) -> Any:
        found.append(environ.get(UNREAD))
        start("200 OK", [])
        return [] if UNREAD in environ else StreamingHttpResponse(file)

    assert ask(Sent(application)) == []
    assert (found, file.closed) == ([None, BUSY], True)


@pytest.mark.django_db(transaction=True)
def test_refused_stream_is_503_behind_a_proxy_that_speaks_tls(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django puts the client's address into the environ, and nothing that a stranger claims of TLS counts."""
    monkeypatch.setattr(sending, "STREAMS", 0)
    settings.SECURE_SSL_REDIRECT, settings.TRUSTED_PROXIES = True, ["127.0.0.1"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    client.force_login(factories.user("admin"))
    claims = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    cookie = client.cookies.output(header="", attrs=[]).strip()
    said: list[Any] = []
    environ = RequestFactory().get("/api/accounts.csv", headers={**claims, "Cookie": cookie}).environ
    Received(Sent(warmed(WSGIHandler())))(environ, lambda *head: said.append(head))
    assert [status for status, _ in said] == ["200 OK", "503 Service Unavailable"]
    assert dict(said[1][1])["Retry-After"] == "5"


def test_place_is_free_again_when_closing_fails() -> None:
    class Failing(StreamingHttpResponse):
        def close(self) -> None:
            raise ValueError("the file")

    sent = Sent(lambda environ, start: Failing([b"a"]))
    with pytest.raises(ValueError, match="the file"):
        ask(sent).close()
    assert not sent._streams._taken


@pytest.mark.parametrize(("size", "is_whole"), [(AT_ONCE, True), (AT_ONCE + 1, False)])
def test_small_file_needs_no_thread(size: int, is_whole: bool) -> None:
    file = io.BytesIO(b"a" * size)

    def application(environ: dict[str, Any], start: Any) -> Any:
        response = FileResponse(file, filename="a.bin")
        start("200 OK", list(response.items()))
        return response

    answer = ask(Sent(application))
    assert (isinstance(answer, list), file.closed) == (is_whole, is_whole)
    assert b"".join(answer) == b"a" * size
    getattr(answer, "close", bool)()
    assert file.closed


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch, socket_enabled: None) -> Iterator[socket.socket]:
    """The server's side of a connection whose client takes nothing."""
    monkeypatch.setattr(listening, "DEAF_SECONDS", 1)
    with closing(listening.listen("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        listener.setblocking(True)
        with listener.accept()[0] as ours:
            yield ours


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone can")
def test_connection_of_a_client_that_takes_nothing_ends(deaf: socket.socket) -> None:
    deaf.settimeout(20)
    before = time.monotonic()
    with pytest.raises((TimeoutError, ConnectionError)):
        deaf.sendall(b"a" * 50_000_000)
    assert time.monotonic() - before < 15, "the system ended it, not our own patience"


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux alone can")
def test_system_asks_for_a_client_that_says_nothing_and_gives_it_up(socket_enabled: None) -> None:
    with (
        closing(listening.listen("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as ours,
    ):
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        told = [getattr(socket, name) for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_USER_TIMEOUT")]
        assert [ours.getsockopt(socket.IPPROTO_TCP, one) for one in told] == [60, 15, 120_000]
