"""Answers on their way: who reads slowly, or not at all, keeps nobody from being answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any, cast

from django.http import StreamingHttpResponse

from project.access import customer_at
from project.bodies import BUSY, UNREAD, Application, Environ, Places
from project.listening import SENDERS

TO_ONE_ADDRESS = 48  # of them, so that one address never takes them all
STREAMS, STREAMS_TO_ONE_ADDRESS = 8, 6  # the same of answers of unknown length, which keep a database connection each
AT_ONCE = 2**18  # bytes of a file that are handed over whole, as a page is: the server then needs no thread for it


class Sent:
    """A WSGI application that sends at most SENDERS files and STREAMS streams at once; one more is refused at once.

    The server keeps a thread for such an answer, and a stream its database connection, until its reader has it all.
    What is complete, or a file no longer than AT_ONCE, takes neither.
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        self._files, self._streams = Places(SENDERS, TO_ONE_ADDRESS), Places(STREAMS, STREAMS_TO_ONE_ADDRESS)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The application's answer, or its 503 where no thread may be kept for it."""
        said: dict[str, str] = {}
        untouched = dict(environ)  # Django's request.META is the environ: the address in it is the client's afterwards

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            said.update(headers)
            return start_response(status, headers, *more)

        answer = self.application(environ, start)
        if isinstance(answer, list):
            return answer
        pieces = cast(StreamingHttpResponse, answer)
        places = self._files if "Content-Length" in said else self._streams
        if places is self._files and int(said["Content-Length"]) <= AT_ONCE:
            with closing(pieces):
                return [b"".join(cast(Iterable[bytes], pieces))]
        if places.take(address := customer_at(environ.get("REMOTE_ADDR", ""))):
            return _Sending(pieces, lambda: places.leave(address))
        pieces.close()
        return self.application({**untouched, UNREAD: BUSY}, start_response)


class _Sending:
    """An answer that gives its place back when the server is done with it."""

    def __init__(self, pieces: StreamingHttpResponse, leave: Callable[[], None]) -> None:
        self._pieces = pieces
        self._leave = leave

    def __iter__(self) -> Iterator[bytes]:
        return iter(cast(Iterable[bytes], self._pieces))

    def close(self) -> None:
        """Called once, also where the reader went away or the pieces failed."""
        try:
            self._pieces.close()
        finally:
            self._leave()
