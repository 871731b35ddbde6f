"""Bodies of requests, read before anybody works on them: who sends slowly keeps nobody from being answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import IO, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

from project.access import customer_at
from project.errors import RETRY_AFTER, is_api, refusal
from project.listening import READERS

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

FROM_ONE_ADDRESS = 192  # of them, so that one address never takes them all
FORMS_AT_ONCE, FORMS_FROM_ONE_ADDRESS = 4, 2  # of the largest size: what bodies may take of the disk of one process
IN_MEMORY = 2**17  # bytes of one body; a larger one goes to a temporary file, and READERS of these are 32 MB
BLOCK = 2**16
PIECE = "application/octet-stream"  # a piece of a photo counts as far as it arrived (workitems.uploads)

UNREAD = "project.bodies.unread"  # in request.META: why the body was not read
NO_LENGTH, TOO_LARGE, ENCODED, BROKEN_OFF, BUSY, NO_SPACE = 411, 413, 415, 400, 503, 507
SENTENCES = {
    NO_LENGTH: "The body was not read: say how long it is (Content-Length). Nothing was changed.",
    TOO_LARGE: "The body was not read: it is more than is taken at once. Nothing was changed; send less of it.",
    ENCODED: "The body was not read: send it without Content-Encoding. Nothing was changed.",
    BROKEN_OFF: "The connection ended before all of it had arrived. Nothing was changed; send it again.",
    BUSY: "Too much is on its way at this moment. Nothing was changed; try again in a few seconds.",
    NO_SPACE: "There is no space left to take this in. Nothing was changed; tell an administrator.",
}


class Places:
    """At most `most` at once, `to_one` of them to one address."""

    def __init__(self, most: int, to_one: int) -> None:
        self._most, self._to_one = most, to_one
        self._lock, self._taken = Lock(), Counter[str]()

    def take(self, address: str, count: int = 1) -> bool:
        """Whether there were `count` for `address`, who has them now."""
        with self._lock:
            is_free = self._taken.total() + count <= self._most and self._taken[address] + count <= self._to_one
            if is_free:
                self._taken[address] += count
            return is_free

    def leave(self, address: str, count: int = 1) -> None:
        """Give as many of those of `address` back."""
        with self._lock:
            self._taken[address] -= count
            self._taken += Counter()  # which drops who has none

    @contextmanager
    def held(self, address: str, count: int = 1) -> Iterator[bool]:
        """Whether there were `count`, which are kept to the end of the block."""
        is_free = self.take(address, count)
        try:
            yield is_free
        finally:
            if is_free:
                self.leave(address, count)


class Received:
    """A WSGI application that is asked only when the whole body of a request is here.

    READERS bodies are read at once; one more is refused at once, so that threads are left for what has no body. So is
    one that finds no room on the disk, which no body needs that stays in memory. Whether Django or a view takes as much
    of its kind is theirs to say; what is larger than any may be is not read.
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        self._readers = Places(READERS, FROM_ONE_ADDRESS)
        to_one = FORMS_AT_ONCE if settings.TRUSTED_PROXIES else FORMS_FROM_ONE_ADDRESS  # a proxy's is everybody's
        self._disk = Places(FORMS_AT_ONCE * settings.MAX_REQUEST_BYTES, to_one * settings.MAX_REQUEST_BYTES)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The application's answer to the body, or to the reason why there is none."""
        said = environ.get("CONTENT_LENGTH", "")
        length = int(said) if said.isascii() and said.isdecimal() else 0
        if why := _unreadable(environ, length):
            return self._refused(why, environ, start_response)
        if not length:
            return self.application(environ, start_response)
        address, on_disk = customer_at(environ.get("REMOTE_ADDR", "")), length if length > IN_MEMORY else 0
        with self._readers.held(address) as has_place, self._disk.held(address, on_disk) as has_room:
            if not (has_place and has_room):
                return self._refused(BUSY, environ, start_response)
            try:
                body, arrived = _read(environ["wsgi.input"], length)
            except OSError:  # of the temporary file: one that broke off is no error of the server's
                return self._refused(NO_SPACE, environ, start_response)
            with body:
                if arrived < length and _content_type(environ) != PIECE:
                    return self._refused(BROKEN_OFF, environ, start_response)
                environ["wsgi.input"] = body
                return self.application(environ, start_response)

    def _refused(self, why: int, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[UNREAD] = why
        return self.application(environ, start_response)


class UnreadMiddleware:
    """Answers a request whose body was not read, with the headers of every other answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not (status := request.META.get(UNREAD)):
            return self.get_response(request)
        if is_api(request) or not request.accepts("text/html"):
            response: HttpResponseBase = refusal(status, SENTENCES[status])
        else:
            response = HttpResponse(render_to_string("unread.html", {"message": SENTENCES[status]}), status=status)
        if status == BUSY:
            response["Retry-After"] = str(RETRY_AFTER)
        return response


def _content_type(environ: Environ) -> str:
    return str(environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()


def _unreadable(environ: Environ, length: int) -> int:
    """Why a body cannot be read as it is announced; 0 where it can."""
    if not length and "HTTP_TRANSFER_ENCODING" in environ:
        return NO_LENGTH
    if length and environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
        return ENCODED
    return TOO_LARGE if length > settings.MAX_REQUEST_BYTES else 0


def _read(stream: IO[bytes], length: int) -> tuple[IO[bytes], int]:
    """The body as a file at its beginning, and how many bytes arrived before the connection ended."""
    body: Any = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # the caller closes it
    try:
        left = length
        while left and (piece := stream.read(min(BLOCK, left))):
            left -= body.write(piece)
        body.seek(0)
    except BaseException:
        body.close()
        raise
    return body, length - left
