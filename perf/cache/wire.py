"""Commands and scripts on a connection of the thread's own, without the client library's pool and parsing."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import hiredis
from django.conf import settings
from django_redis import get_redis_connection
from redis import Connection

from perf.cache.contract import ALIAS

CHUNK_BYTES = 65_536


class Wire:
    """A connection that redis-py opened (address, password, database, TLS, timeouts) and that we speak ourselves."""

    def __init__(self) -> None:
        pool = get_redis_connection(ALIAS).connection_pool
        self._connection: Connection = pool.connection_class(**{**pool.connection_kwargs, "protocol": 2})
        self._connection.connect()
        self._socket = self._connection._sock
        self._reader = hiredis.Reader()

    def ask(self, commands: bytes, count: int = 1) -> list[Any]:
        """The server's `count` answers to packed `commands`, an error among them as it is. OSError if one is late."""
        self._socket.sendall(commands)
        return [self._answer() for _ in range(count)]

    def _answer(self) -> Any:
        while (answer := self._reader.gets()) is False:
            received = self._socket.recv(CHUNK_BYTES)
            if not received:
                raise ConnectionError("the cache server closed the connection")
            self._reader.feed(received)
        return answer

    def close(self) -> None:
        """Give the socket back to the system."""
        self._connection.disconnect()  # type: ignore[no-untyped-call]  # redis-py


class _Own(threading.local):
    """The wire of this thread, and where it leads."""

    wire: Wire | None = None
    location: object = None


_own = _Own()


def _let_go() -> None:
    """In a forked child: the connection is the parent's, who reads its answers."""
    _own.wire = None


os.register_at_fork(after_in_child=_let_go)


def packed(command: tuple[str | bytes | int | float, ...]) -> bytes:
    """`command` as it is sent."""
    data: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub takes one word
    return data


def pipelined(commands: bytes, count: int) -> list[Any]:
    """The answers to `count` packed `commands`, in one round trip.

    A connection that the server or the network has closed meanwhile is opened anew, once. Raises OSError, RedisError.
    """
    return _again(lambda wire: wire.ask(commands, count))


def call(sha: str, text: str, keys: Sequence[str], *arguments: str | float | bytes) -> Any:
    """What the script `text` answers, sent by its digest where the server knows it. As pipelined."""

    def ask(wire: Wire) -> list[Any]:
        answer = wire.ask(packed(("EVALSHA", sha, len(keys), *keys, *arguments)))
        if isinstance(answer[0], hiredis.ReplyError) and str(answer[0]).startswith("NOSCRIPT"):
            return wire.ask(packed(("EVAL", text, len(keys), *keys, *arguments)))
        return answer

    return _again(ask)[0]


def _again(ask: Callable[[Wire], list[Any]]) -> list[Any]:
    try:
        return _asked(ask)
    except ConnectionError:
        return _asked(ask)


def _asked(ask: Callable[[Wire], list[Any]]) -> list[Any]:
    wire = _taken()
    try:
        answers = ask(wire)
        for answer in answers:
            if isinstance(answer, hiredis.ReplyError):
                raise OSError(str(answer))
    except BaseException:
        wire.close()
        raise
    _own.wire = wire
    return answers


def _taken() -> Wire:
    """This thread's wire, which stays nobody's until its answer is read whole."""
    location = settings.CACHES[ALIAS]["LOCATION"]
    wire, _own.wire = _own.wire, None
    if wire is not None and _own.location == location:
        return wire
    _own.location = location
    return Wire()
