"""One script call on a connection of the thread's own, at a seventh of what the client library costs."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
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

    def ask(self, *command: str | bytes | int | float) -> Any:
        """The server's answer; an error it answers with is returned. Raises OSError when there is none in time."""
        self._socket.sendall(hiredis.pack_command(command))  # type: ignore[arg-type]  # its stub takes one word
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


def call(sha: str, text: str, keys: Sequence[str], *arguments: str | float | bytes) -> Any:
    """What the script `text` answers, sent by its digest where the server knows it.

    A connection that the server or the network has closed meanwhile is opened anew, once. Raises OSError, RedisError.
    """
    try:
        return _called(sha, text, keys, *arguments)
    except ConnectionError:
        return _called(sha, text, keys, *arguments)


def _called(sha: str, text: str, keys: Sequence[str], *arguments: str | float | bytes) -> Any:
    wire = _taken()
    try:
        answer = wire.ask("EVALSHA", sha, len(keys), *keys, *arguments)
        if isinstance(answer, hiredis.ReplyError) and str(answer).startswith("NOSCRIPT"):
            answer = wire.ask("EVAL", text, len(keys), *keys, *arguments)
        if isinstance(answer, hiredis.ReplyError):
            raise OSError(str(answer))
    except BaseException:
        wire.close()
        raise
    _own.wire = wire
    return answer


def _taken() -> Wire:
    """This thread's wire, which stays nobody's until its answer is read whole."""
    location = settings.CACHES[ALIAS]["LOCATION"]
    wire, _own.wire = _own.wire, None
    if wire is not None and _own.location == location:
        return wire
    _own.location = location
    return Wire()
