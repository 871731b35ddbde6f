"""The load generator against a server that answers as it is told: every answer is counted once, none but 200 counts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from benchmarks.load import FEWEST, Loop, Refused, request

BODY = b"x" * 300_000  # more than one read


class Server:
    """A thread for each connection; `pieces` answer each request, sent one by one. Without any it hangs up."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.asked: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the other side has had enough
            while asked := connection.recv(65_536):
                self.asked.append(asked)
                if not self.pieces:
                    return
                for piece in self.pieces:
                    connection.sendall(piece)


@pytest.fixture
def loop() -> Iterator[Callable[..., tuple[Server, Loop]]]:
    """A server that sends these pieces for each request, and a loop of so many connections to it."""
    with ExitStack() as stack:

        def start(*pieces: bytes, connections: int = 1) -> tuple[Server, Loop]:
            server = Server(*pieces)
            stack.callback(server.socket.close)
            made = Loop(server.port, [request("/a").encode(), request("/b").encode()], connections)
            stack.callback(made.close)
            return server, made

        yield start


Start = Callable[..., tuple[Server, Loop]]


def test_answers_in_pieces_are_counted_once_each(loop: Start) -> None:
    head = b"ngth: %d\r\n\r\n" % len(BODY)
    server, made = loop(b"HTTP/1.1 200 OK\r\nContent-Le", head, BODY[:100_000], BODY[100_000:], connections=3)
    assert made.run(0.1) > 0.1
    assert len(made.times) >= FEWEST
    assert len(server.asked) >= len(made.times) + 3  # those of the warm-up too
    assert {asked.split()[1] for asked in server.asked} == {b"/a", b"/b"}
    assert all(time > 0 for time in made.times)


@pytest.mark.parametrize("status", [b"404 Not Found", b"304 Not Modified", b"500 Oh"])
def test_anything_but_200_ends_the_run(loop: Start, status: bytes) -> None:
    _, made = loop(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(Refused, match=status.decode()):
        made.run(0.1)


def test_closed_connection_ends_the_run(loop: Start) -> None:
    _, made = loop()  # nothing to send: it hangs up
    with pytest.raises(Refused, match="closed a connection"):
        made.run(0.1)
