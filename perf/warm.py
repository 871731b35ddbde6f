"""The warm path: answers ahead of Django what Django has answered before, after one look at the cache's server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from copy import copy
from time import perf_counter
from typing import Any, NamedTuple

from django.utils.http import parse_etags

from perf import clock
from perf.cache.contract import Unreachable
from perf.cache.counting import count
from perf.cache.keys import Family
from perf.cache.ready import READY, Place, keep, place_of
from perf.cache.recent import Recent
from perf.cache.record import Record, stamp_of
from perf.cache.shared import SHARED, Checked
from perf.cache.views import OFFER, Offer
from perf.compression import encoding_for, etag_header
from perf.conf import setting
from perf.middleware import ROUTE, timing_headers
from perf.rates import READS, STANDING, Rate, Standing, counter, rate
from perf.recording import requested

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

ENDS = "perf.warm.ends"  # in request.META: seconds since 1970 when what the caller showed runs out
PERSON = "perf.warm.person"  # in request.META: the Person that the caller still is, for Django to take over
REMEMBERED_SECONDS = 900  # after this Django looks a caller up anew, whatever happens
PEOPLE_MAX, ADDRESSES_MAX = 10_000, 20_000
WRITTEN_ANEW = {
    *("content-encoding", "content-length", "date", "etag", "set-cookie", "x-cache"),
    *("x-response-time", "server-timing", "retry-after"),
    *("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "ratelimit-policy"),
}
ADDRESS = ("PATH_INFO", "QUERY_STRING", "HTTP_HOST", "wsgi.url_scheme", "HTTP_X_FORWARDED_PROTO")
"""What an answer may depend on beside the day and the caller's permissions; anything else leads to Django."""
ADDRESS_MAX = 1_000  # characters; nobody fills our memory with long ones


class Person(NamedTuple):
    """Whom Django took a credential's bearer for: with which rights, until when, under which generations of `names`."""

    user: Any
    vary: str
    names: tuple[str, ...]
    generations: bytes
    ends: float


class Page(NamedTuple):
    """An address that Django has answered from the cache: where the answer is kept and what headers it had.

    `stamp` is what stood when Django found that place, before and after; empty where nobody looked before. An address
    may lead elsewhere later, as that of a renamed account does.
    """

    place: Place
    family: Family
    names: tuple[str, ...]
    headers: Headers
    stamp: bytes
    route: str


class WarmPath:
    """A WSGI application in front of Django's that answers GETs of `prefix` from this process's memory.

    It knows nothing that Django has not just said: a caller is one whom Django let in under the present generations of
    `asker(credential)`, an answer one that Django gave to the same permissions under the present generations of its
    families. One round trip compares both and counts the request's rate. Whatever does not fit goes to Django, who is
    told in request.META[PERSON] if the caller at least is known.

    `credential` gives a digest of what the caller shows, or "" where only Django can tell. Django's side must set
    request.META[ENDS]; without it, as for an answer that no cached_view made, nothing is remembered.
    """

    def __init__(
        self,
        application: Application,
        *,
        credential: Callable[[Environ], str],
        asker: Callable[[str], Family],
        prefix: str,
    ) -> None:
        self.application = application
        self._credential, self._asker, self._prefix = credential, asker, prefix
        self._people: Recent[str, Person] = Recent(PEOPLE_MAX)
        self._pages: Recent[tuple[Any, ...], Page] = Recent(ADDRESSES_MAX)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer, or let Django answer and remember what it said."""
        if not self._may_be_warm(environ) or not (digest := self._credential(environ)):
            return self.application(environ, start_response)
        started = perf_counter()
        person = self._people.get(digest)
        # Today is part of it: what “fresh” or the last seven days mean ends at midnight.
        address = (clock.today(), *map(environ.get, ADDRESS))
        page = self._pages.get((*address, person.vary)) if person else None
        reads = rate(READS)
        asked = perf_counter()
        try:
            checked = self._check(digest, person, page, reads)
        except Unreachable:
            return self.application(environ, start_response)
        looked = perf_counter() - asked
        if person is None or checked.asker != person.generations or person.ends <= clock.now().timestamp():
            return self._django(environ, start_response, digest, address, checked)
        environ[PERSON] = person
        standing = Standing(reads, checked.used, checked.left) if reads and checked.used else None
        if standing:
            environ[STANDING] = standing  # counted: Django does not count it again
        record = _valid(page, checked) if page else None
        if page and record and not (standing and standing.exceeded):
            more = [*(standing.headers() if standing else ()), *_timing(started)]
            status, body = _answer(environ, start_response, page, record, more)
            _record(page.route, status, body, started, looked)
            return body
        return self._django(environ, start_response, digest, address, checked)

    def _may_be_warm(self, environ: Environ) -> bool:
        is_read = environ["REQUEST_METHOD"] == "GET" and "HTTP_IF_MATCH" not in environ
        if not is_read or not environ.get("PATH_INFO", "").startswith(self._prefix):
            return False
        return sum(len(environ.get(name, "")) for name in ADDRESS) <= ADDRESS_MAX

    def _check(self, digest: str, person: Person | None, page: Page | None, reads: Rate | None) -> Checked:
        if person is None:  # a stranger perhaps, who is to leave nothing there
            return SHARED.check(SHARED.names_of(self._asker(digest)), (), "", 0)._replace(answer=None)
        names, seconds = (page.names, reads.seconds if reads else 0) if page else ((), 0)  # else Django counts
        checked = SHARED.check(person.names, names, counter(READS, person.user.pk), seconds)
        if checked.asker == person.generations:
            return checked
        return Checked(SHARED.generations(person.names), None, 0, 0)

    def _django(
        self,
        environ: Environ,
        start_response: Callable[..., Any],
        digest: str,
        address: tuple[Any, ...],
        checked: Checked,
    ) -> Iterable[bytes]:
        """Django's answer; remembers it and its caller, as far as `checked` was the same before Django looked."""
        said: list[Any] = []

        def start(status: str, headers: Headers, *more: Any) -> Any:
            said[:] = status, headers
            return start_response(status, headers, *more)

        response = self.application(environ, start)
        offer: Offer | None = environ.get(OFFER)
        if offer is None or not said or not said[0].startswith("200"):
            return response
        if ENDS in environ:
            ends = min(environ[ENDS], clock.now().timestamp() + REMEMBERED_SECONDS)
            names = SHARED.names_of(self._asker(digest))
            if checked.asker is not None:
                self._people.put(digest, Person(copy(offer.user), offer.slot.vary, names, checked.asker, ends))
            else:
                with suppress(Unreachable):
                    SHARED.generations(names)  # so that the next request has some to be remembered under
        route = environ.get(ROUTE, "")
        self._remember((*address, offer.slot.vary), offer, _stamp(checked), said[1], route)
        return response

    def _remember(self, key: tuple[Any, ...], offer: Offer, stamp: bytes | None, headers: Headers, route: str) -> None:
        """Keep where the address of `key` leads; `stamp` is what the answer was valid under before Django looked."""
        if (record := offer.record) is None:
            return
        slot = offer.slot
        keep(slot, record)
        if stamp != record.stamp:
            known = self._pages.get(key)
            if known and known.stamp == record.stamp:
                return  # somebody else's request has shown more than this one can
            stamp = b""
        lasting = [(name, value) for name, value in headers if name.lower() not in WRITTEN_ANEW]
        self._pages.put(key, Page(place_of(slot), slot.family, SHARED.names_of(slot.family), lasting, stamp, route))


def _stamp(checked: Checked) -> bytes | None:
    """What an answer is valid under at present; None while a writer is open."""
    return None if checked.answer is None else stamp_of(checked.answer.decode())


def _valid(page: Page, checked: Checked) -> Record | None:
    """The answer, if page and answer are both what they were when Django looked, and it is pressed."""
    if page.stamp != _stamp(checked):
        return None
    record = READY.get(page.place)
    if record is None or not record.pressed or record.expires <= clock.now().timestamp():
        return None
    return record if record.stamp == page.stamp else None


def _answer(
    environ: Environ, start_response: Callable[..., Any], page: Page, record: Record, more: Headers
) -> tuple[str, list[bytes]]:
    """Send `record` as Django would have: 304 where the client has it already. `more` are headers of this answer."""
    body, encoding = record.body(encoding_for(environ.get("HTTP_ACCEPT_ENCODING", "")))
    own = [("ETag", etag_header(record.etag, encoding)), ("X-Cache", "HIT"), *more]
    count(page.family, "hits", size=len(record.value), saved=record.cost)
    if _has_it(environ.get("HTTP_IF_NONE_MATCH", ""), record.etag):
        kept = [(name, value) for name, value in page.headers if name.lower() != "content-type"]
        start_response("304 Not Modified", kept + own)
        return "304", []
    if encoding:
        own.append(("Content-Encoding", encoding))
    start_response("200 OK", [*page.headers, *own, ("Content-Length", str(len(body)))])
    return "200", [body]


def _has_it(condition: str, etag: str) -> bool:
    """Whether If-None-Match names the answer, weak or not (RFC 9110, 13.1.2), read as Django reads it."""
    return bool(condition) and any(tag.removeprefix("W/") in ("*", f'"{etag}"') for tag in parse_etags(condition))


def _record(route: str, status: str, body: list[bytes], started: float, looked: float) -> None:
    """Record an answer, of which `looked` seconds were for the cache's server. Without Django there is no query."""
    size = len(body[0]) if body else 0
    ended = perf_counter()
    requested(("GET", route, status, ended - started, 0.0, looked, 0, size, None))


def _timing(started: float) -> Headers:
    return [*timing_headers(perf_counter() - started, (0, 0.0))] if setting("ENABLE_MONITORING") else []
