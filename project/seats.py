"""How many requests of one process are worked on at once, whichever of the server's many threads they came by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, LifoQueue
from typing import Any, cast

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpResponse, StreamingHttpResponse

from perf.cache.writing import settle
from project.bodies import BUSY, UNREAD, Application, Environ
from project.listening import WEB_THREADS

ALIVE = "/healthz"  # asks nobody, and is asked whether we live: it waits for nobody who waits for a database
PATIENCE = 30.0  # seconds that a request waits for a seat; who sent it may have gone, and more behind it will go


class Seat:
    """A place to work at, with the database connections that belong to it rather than to a thread."""

    def __init__(self) -> None:
        self._kept: dict[str, BaseDatabaseWrapper] = {}

    def take(self) -> None:
        """Lend the connections to this thread."""
        for alias, connection in self._kept.items():
            connections[alias] = connection

    def leave(self, *, empty: bool = False) -> None:
        """Take the connections back, those too that were opened meanwhile; `empty`: the thread keeps them."""
        if empty:
            self._kept.clear()
            return
        try:
            settle()  # a refused form's marks; this thread may not come again soon
        finally:
            for connection in connections.all(initialized_only=True):
                if connection.alias not in self._kept:
                    connection.inc_thread_sharing()  # by one thread after the other
                self._kept[connection.alias] = connection
                del connections[connection.alias]


class Seated:
    """A WSGI application that answers at most `count` requests at once; the others wait for a seat, PATIENCE long.

    The server needs a thread for each body that is still on its way, and may have a hundred. Without seats each would
    open a connection of its own. An answer that is streamed gives its seat back before its reader has it all: it
    takes its connections along and closes them at its end. A file, whose length is known, needs none.
    """

    def __init__(self, application: Application, count: int = WEB_THREADS) -> None:
        self.application = application
        self._free: LifoQueue[Seat] = LifoQueue()
        for _ in range(count):
            self._free.put(Seat())

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The application's answer; what is not streamed is complete and closed before the seat is free."""
        if environ.get("PATH_INFO") == ALIVE or UNREAD in environ:
            return self._answer(Seat(), environ, start_response)
        try:
            seat = self._free.get(timeout=PATIENCE)
        except Empty:
            environ[UNREAD] = BUSY
            return self._answer(Seat(), environ, start_response)
        try:
            return self._answer(seat, environ, start_response)
        finally:
            self._free.put(seat)  # whatever happened, or the process would be one seat short for ever

    def _answer(self, seat: Seat, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        reads_on = False
        seat.take()
        try:
            response = self.application(environ, start_response)
            reads_on = isinstance(response, StreamingHttpResponse) and not response.has_header("Content-Length")
            if reads_on:
                return _Stream(cast(StreamingHttpResponse, response))
            return _complete(response) if isinstance(response, HttpResponse) else response
        finally:
            seat.leave(empty=reads_on)


def _complete(response: HttpResponse) -> list[bytes]:
    try:
        return [response.content]
    finally:
        response.close()


class _Stream:
    """A streamed answer whose thread keeps its connections to the end, and no longer."""

    def __init__(self, response: StreamingHttpResponse) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def close(self) -> None:
        """Tell Django, and close the connections: the next request of this thread is given others."""
        try:
            self._response.close()
        finally:
            for connection in connections.all(initialized_only=True):
                del connections[connection.alias]
                connection.close()
