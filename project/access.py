"""Who is asking: a signed-in user, or a token with its scope; and from which address."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import copy
from functools import wraps
from ipaddress import ip_address, ip_network
from math import inf
from typing import Any

import orjson
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, parse_cookie
from django.urls import reverse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError, ValidationErrorContext
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from perf import clock
from perf.answers import complete
from perf.cache.store import is_shared
from perf.rates import READS, TooManyRequests, spend
from perf.warm import ENDS, PERSON, Application, WarmPath
from project.audit import current_request
from project.errors import FORBIDDEN, is_api, refusal
from project.identities import AUTH, digest, session_digest
from project.models import AccessToken, TokenUser

GetResponse = Callable[[HttpRequest], HttpResponse]

SAFE = {"GET", "HEAD"}
SESSION_RENEWAL = 3600  # seconds; an idle clock kept to the hour costs one write an hour, not one a request
SEEN = "seen"

SIGN_IN = "Sign in, or send a valid token as “Authorization: Bearer TOKEN”."
BAD_TOKEN = "This token is unknown, has run out or was revoked, or its user is no longer active."
READ_ONLY = "A token with the scope “{scope}” may only read."


class ClientMiddleware:
    """Settles the client's address once, and lets the audit log know which request is being answered.

    Forwarding headers count only when the connection comes from one of TRUSTED_PROXIES; from anyone else
    they are dropped, so nobody can choose the address they are locked out or recorded by.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.proxies = [ip_network(proxy, strict=False) for proxy in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.settle_address(request.META)
        token = current_request.set(request)
        try:
            return self.get_response(request)
        finally:
            current_request.reset(token)

    def settle_address(self, meta: dict[str, Any]) -> None:
        """Put the client's own address into REMOTE_ADDR: the last forwarded hop that is no proxy of ours."""
        meta["REMOTE_ADDR"] = _address(meta.get("REMOTE_ADDR", ""))
        if not self.is_proxy(meta["REMOTE_ADDR"]):
            for name in ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"):
                meta.pop(name, None)
            return
        for hop in reversed(meta.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            if not (address := _address(hop)):
                return
            meta["REMOTE_ADDR"] = address
            if not self.is_proxy(address):
                return

    def is_proxy(self, address: str) -> bool:
        """Whether `address` is one of TRUSTED_PROXIES."""
        return bool(address) and any(ip_address(address) in network for network in self.proxies)


def client_address(request: HttpRequest) -> str:
    """What locks and throttles are kept by: whose address the client's is."""
    return customer_at(str(request.META.get("REMOTE_ADDR", "")))


def customer_at(text: str) -> str:
    """Whose address that is: of IPv6 the /64 that one customer is given whole, of IPv4 the address itself."""
    address = _address(text)
    return str(ip_network(f"{address}/64", strict=False).network_address) if ":" in address else address


def _address(text: str) -> str:
    """An IP address in the one way of writing it, without a zone, of IPv4 in IPv6 the IPv4; "" for anything else."""
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


class PrivateMiddleware:
    """Lets nobody keep an answer that does not say itself how it may be kept: not the browser, and no proxy.

    It stands outside compression, which leaves alone what a view marked no-store because it shows a secret.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class RememberedMiddleware:
    """Takes the warm path's word for who is asking: it has just compared that with what all processes know.

    Session, token, user and permissions are then not read again; nothing of the kind is ever said by a client.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if PERSON in request.META:
            request.user = copy(request.META[PERSON].user)
        return self.get_response(request)


class IdleSessionMiddleware:
    """Lets a session that is in use live on: its end is pushed out at most once an hour.

    Views for anyone do not use one: /healthz answers without the database, whatever cookie comes along.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        """Renew it, before the view that needs someone signed in."""
        is_known = PERSON in request.META or ENDS in request.META  # by the warm path, by a token
        if not is_known and getattr(view, "login_required", True) and SESSION_KEY in request.session:
            now = int(clock.now().timestamp())
            if now - request.session.get(SEEN, 0) > SESSION_RENEWAL:
                request.session[SEEN] = now
            request.META[ENDS] = request.session[SEEN] + request.session.get_expiry_age()


class TokenMiddleware:
    """Signs in the bearer of `Authorization: Bearer TOKEN` for one API request; pages know no tokens."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not is_api(request) or PERSON in request.META:
            return self.get_response(request)
        token = AccessToken.objects.find(secret.strip())
        if token is None:
            return refusal(401, BAD_TOKEN)
        user = TokenUser.holding(token)
        if not user.may_use(request.method or ""):
            return refusal(403, READ_ONLY.format(scope=token.scope))
        token.touch()
        request.META[ENDS] = token.expires_at.timestamp() if token.expires_at else inf
        request.user = user
        return self.get_response(request)


def credential(environ: dict[str, Any]) -> str:
    """The digest of what a request for the API shows: its token, else its session; "" where it shows neither.

    It follows TokenMiddleware and SessionMiddleware: a token counts before a cookie.
    """
    scheme, _, secret = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer":
        return digest(secret.strip())
    cookies = parse_cookie(environ.get("HTTP_COOKIE", ""))
    session = "" if scheme else cookies.get(settings.SESSION_COOKIE_NAME, "")
    return session_digest(session) if session else ""


def warmed(application: Application) -> Application:
    """`application` behind the warm path of the API, where there is a cache that all processes share."""
    if settings.DEBUG or not is_shared():
        return application
    return WarmPath(application, credential=credential, asker=AUTH.of, prefix="/api/")


class SignedInMiddleware(LoginRequiredMiddleware):
    """Everything needs someone signed in unless its view says otherwise: pages redirect, the API answers 401."""

    def process_view(self, request: HttpRequest, view_func: Callable[..., Any], *arguments: Any) -> Any:
        """Django's, but who is asking is not even looked up for a view that is for anyone."""
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, *arguments)

    def get_login_url(self, view_func: Callable[..., Any]) -> str:
        """The one sign-in page, whatever a view of someone else's would prefer."""
        return str(settings.LOGIN_URL)

    def handle_no_permission(self, request: HttpRequest, view_func: Callable[..., Any]) -> Any:
        if is_api(request) and request.path != reverse("api:openapi-view"):
            return refusal(401, SIGN_IN)
        return super().handle_no_permission(request, view_func)


class StrictParser(Parser):
    """Reads what is JSON and no more: no NaN, and no half of a character, which no database stores."""

    def parse_body(self, request: HttpRequest) -> Any:
        return orjson.loads(request.body)


class Api(NinjaAPI):
    """The one API; its description takes a quarter of a second to make, so it is made once per process."""

    _schema: OpenAPISchema | None = None

    def get_openapi_schema(self, **parameters: Any) -> OpenAPISchema:
        """The OpenAPI document; `parameters` are of the first call, for the address has none."""
        if self._schema is None:
            document = super().get_openapi_schema(**parameters)
            complete(document, session_cookie=settings.SESSION_COOKIE_NAME)
            self._schema = document
        return self._schema

    def validation_error_from_error_contexts(self, error_contexts: list[ValidationErrorContext]) -> ValidationError:
        """What is wrong with the parameters, each under its name; with several together, under none.

        django-ninja would give the latter the name of the operation's own argument, which callers never see.
        """
        found = super().validation_error_from_error_contexts(error_contexts)
        paths = [path for context in error_contexts for path in context.model.__ninja_flatten_map_reverse__]
        arguments = {path[:1] for path in paths if len(path) > 1}
        for error in found.errors:
            source, *path = error["loc"]
            error["loc"] = (source,) if tuple(path) in arguments else error["loc"]
        return found


class SessionOrToken(AuthBase):
    """The API's authentication: a token as it stands, a session with the CSRF check on writes."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    csrf = True  # the documentation page then sends the session's CSRF token with its trials

    def __call__(self, request: HttpRequest) -> Any:
        user = request.user
        if isinstance(user, TokenUser):
            return user
        if not user.is_authenticated:
            return None
        if check_csrf(request):
            raise HttpError(403, "The CSRF token is missing or old. Send it as the header X-CSRFToken.")
        return user


def policy_first(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate every API operation: who may not call it gets 403 before its parameters are read.

    What only reads is counted among the reads, unless it has a rate of its own (perf.rates.rated).

    Raises AttributeError at start for an operation that declares no policy (perf.access).
    """
    view = inspect.unwrap(run).__self__.view_func
    policy, rate = view.policy, getattr(view, "rate", None)

    @wraps(run)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if isinstance(policy, tuple) and not request.user.has_perms(policy):
            return refusal(403, FORBIDDEN)
        if rate is None and request.method in SAFE and request.user.is_authenticated:
            try:
                spend(request, READS)
            except TooManyRequests as refused:
                return refusal(429, str(refused))
        return run(request, *args, **kwargs)

    return guarded
