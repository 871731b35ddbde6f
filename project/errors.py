"""Refusals and failures: one JSON shape for the API, one page for people."""

from __future__ import annotations

import sqlite3
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from perf import room
from perf.rates import TooManyRequests
from workitems.storing import StorageAway

FORBIDDEN = "You may not do this. An administrator can give you the role it needs."
NOT_FOUND = "There is nothing at this address."
BAD_REQUEST = "The request could not be read."
FAILED = "Something went wrong on our side. It has been logged; nothing was half done."
STALE_FORM = "This page was open for too long, or cookies are blocked. Go back, reload it and try again."
SENTENCES = {
    400: BAD_REQUEST,
    401: "Sign in, or send a valid token.",
    403: FORBIDDEN,
    404: NOT_FOUND,
    405: "This address does not take this method.",
    413: "This is more than is taken at once. Nothing was changed; send it in smaller parts.",
    429: "Too many requests. Try again later.",
    500: FAILED,
    503: "The database is not answering. What was saved is kept; send this again in a few seconds.",
    507: "The server's disk takes nothing more. What was saved before is kept, what you just sent is not. Tell an"
    " administrator, and send it again later.",
}
STORE_AWAY = "The store of the photos is not answering. What was saved is kept; send this again in a few seconds."
RETRY_AFTER = 5  # seconds; a server that restarts takes about as long, and a burst is over sooner
NO_ANSWER = ("08", "25006", "53", "57P", "57014")
"""What PostgreSQL says when it ends, starts, only reads, has too much to do, or gave a statement up; what never reached
it has no code."""
DISK_FULL = "53100"
SQLITE_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY}
SQLITE_NO_ANSWER = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
}


def is_api(request: HttpRequest) -> bool:
    """Whether the address is one that programs call, so that refusals are JSON and tokens count."""
    return request.path.startswith("/api/") or request.path == "/metrics"


def refusal(status: int, error: str, **more: Any) -> JsonResponse:
    """The one shape of every refusal: {"error": what was wrong, …}."""
    response = JsonResponse({"error": error, **more}, status=status)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="Tidemark"'
    return response


class ApiErrorMiddleware:
    """Gives every refusal of the API the one JSON shape, whoever made it: Django, a middleware, the framework."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """429 for a page that was asked for too often; the API's own operations are told in install()."""
        return _page(request, 429, str(exception)) if isinstance(exception, TooManyRequests) else None

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_json = response.get("Content-Type", "").startswith("application/json")
        if response.status_code < 400 or is_json or not is_api(request):
            return response
        shaped = refusal(response.status_code, SENTENCES.get(response.status_code, response.reason_phrase))
        for name in ("Allow", "Retry-After"):
            if name in response:
                shaped[name] = response[name]
        return shaped


def install(api: NinjaAPI) -> None:
    """Teach `api` the one shape of refusals."""

    def invalid(request: HttpRequest, error: Any) -> HttpResponse:
        fields = _by_field(error.errors)
        sentence = "; ".join(f"{field}: {', '.join(wrong)}" for field, wrong in fields.items())
        return refusal(400, sentence, fields=fields)

    def told(request: HttpRequest, error: Any) -> HttpResponse:
        return refusal(error.status_code, error.message)

    api.add_exception_handler(ValidationError, invalid)
    api.add_exception_handler(AuthenticationError, lambda request, error: refusal(401, SENTENCES[401]))
    api.add_exception_handler(HttpError, told)
    api.add_exception_handler(PermissionDenied, lambda request, error: refusal(403, str(error) or FORBIDDEN))
    api.add_exception_handler(TooManyRequests, lambda request, error: refusal(429, str(error)))
    api.add_exception_handler(Http404, lambda request, error: refusal(404, NOT_FOUND))


def _by_field(errors: list[dict[str, Any]]) -> dict[str, list[str]]:
    """django-ninja's list of errors as field → what was wrong with it."""
    fields: dict[str, list[str]] = defaultdict(list)
    for error in errors:
        source, *path = (str(part) for part in error["loc"])
        if source == "body":
            path = path[1:]  # the name of the operation's own argument, which callers never see
        fields[".".join(path) or source].append(error["msg"].removeprefix("Value error, "))
    return dict(fields)


def _page(request: HttpRequest, status: int, error: str, template: str = "") -> HttpResponse:
    """The refusal as JSON for the API and for our pages' scripts, as a page that extends base.html otherwise."""
    if is_api(request) or not request.accepts("text/html"):
        return refusal(status, error)
    return HttpResponse(render_to_string(template or f"{status}.html", {"message": error}, request), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 for a body that is too large. The request may be too broken to read a user or a form from."""
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    if is_api(request):
        return refusal(status, SENTENCES[status])
    return HttpResponse(render_to_string(f"{status}.html"), status=status)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403, with the reason when the view gave one."""
    reason = str(exception)
    return _page(request, 403, reason or FORBIDDEN, "403_reason.html" if reason else "")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return _page(request, 404, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when it was the database or the photos' store that did not answer and 507 when a disk takes no more.

    Neither the database nor the cache is asked anything, for either may be what failed. Django calls this while it
    handles the exception, whichever middleware, view or operation it came from.
    """
    error = sys.exc_info()[1]
    no_store = isinstance(error, StorageAway)
    away = no_store or database_is_away(error)
    status = 507 if disk_takes_no_more(error) else 503 if away else 500
    if is_api(request):
        response: HttpResponse = refusal(status, STORE_AWAY if no_store else SENTENCES[status])
    else:
        response = HttpResponse(render_to_string(f"{status}.html", {"no_store": no_store}), status=status)
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER)
    return response


def database_is_away(error: BaseException | None) -> bool:
    """Whether `error` says that the database cannot be reached, is full or is busy, rather than that we asked wrongly.

    A pool without a free connection counts: it has no answer of PostgreSQL's to show either.
    """
    if not isinstance(error, OperationalError | InterfaceError | InternalError):
        return False
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in SQLITE_NO_ANSWER
    code = getattr(cause, "pgcode", None)
    return not isinstance(error, InternalError) if code is None else code.startswith(NO_ANSWER)


def disk_takes_no_more(error: BaseException | None) -> bool:
    """Whether `error` says that a disk, of files or of the database, is full or read-only."""
    cause = error.__cause__ if isinstance(error, DatabaseError) else error
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in SQLITE_DISK
    return getattr(cause, "pgcode", None) == DISK_FULL or bool(room.refusal(cause))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without its token, told as what people can do about it."""
    return _page(request, 403, STALE_FORM, "403_csrf.html")
