"""Every address × method × kind of person: the answer must be the one its declared policy and project/roles.py give.

A new page or API operation is covered as soon as it stands in the URLs: it needs a policy (perf.access), and a
sample value here for a path parameter with a new name.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from perf.access import ANYONE, SIGNED_IN
from project import errors
from project.models import AccessToken, AuditEntry
from project.roles import ADMINISTER, READ_ONLY_SCOPES, ROLES, SCOPES, Scope

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SAFE = {"GET", "HEAD", "OPTIONS"}
EACH_TIME = {"X-Response-Time", "Server-Timing", "X-Cache", "Expires", "Content-Length"}
"""Headers that differ from one request to the next; the length, of pages that tell a secret or the time."""

FEW = {"signed out", "no role", "superuser", "admin's write token"}
"""Who tries what no role decides: addresses open to all who are signed in, methods that nothing takes."""

AT_THE_DOOR = {"signed out", "editor", "admin"}
"""Who tries each page of the administration: they share one door, and everybody tries that at its index."""

Policy = str | tuple[str, ...] | frozenset[str]
"""ANYONE or SIGNED_IN; all of these permissions; or one of them."""

SAMPLES = {
    "app_label": "auth",
    "code": "no-such-code",
    "content_type_id": "1",
    "digest": "0" * 32,
    "handle": "cdcgov",
    "id": "1",
    "kind": "csv",
    "name": "flu",
    "number": "DRAFT_0020",
    "object_id": "1",
    "photo_id": "1",
    "pk": "1",
    "platform": "x",
    "route": "snapshots:overview",
    "run_id": "1",
    "size": "thumb",
    "token": "set-password",
    "uidb64": "MQ",
    "upload_id": "00000000-0000-4000-8000-000000000000",
    "url": "nothing",
}
"""A value for each path parameter, by its name; rows need not exist: those who are let in are then answered 404."""

DECLARED: dict[str, Policy] = {
    "admin:login": ANYONE,  # redirects to the one sign-in page
    "api:api-root": SIGNED_IN,  # the framework's own; answers 404
}
"""Policies of addresses whose views are not ours; everything else under admin: is for those who may administer."""


@dataclass(frozen=True)
class Address:
    """One URL with the policy of each method; methods without one are answered 405."""

    name: str
    path: str
    policies: dict[str, Policy | None]
    is_api: bool


@dataclass(frozen=True)
class Person:
    """Somebody who asks; `rights` is None for everything, and `token_scope` is empty for sessions."""

    name: str
    rights: frozenset[str] | None
    credentials: dict[str, Any]
    known: bool = True
    token_scope: str = ""


def addresses() -> Iterator[Address]:
    """Every pattern of the URL configuration."""
    for name, route, pattern in walk(get_resolver().url_patterns):
        path = "/" + re.sub(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)", sample(route), route.strip("^"))
        yield Address(name, path, policies(name, pattern.callback), path.startswith("/api/") or path == "/metrics")


def walk(
    patterns: list[URLPattern | URLResolver], route: str = "", namespace: str = ""
) -> Iterator[tuple[str, str, URLPattern]]:
    for pattern in patterns:
        here = route + str(pattern.pattern).strip("^").removesuffix("$").removesuffix(r"\Z")
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, here, f"{pattern.namespace}:" if pattern.namespace else namespace)
        else:
            yield f"{namespace}{pattern.name}", here, pattern


def sample(route: str) -> Any:
    def value(match: re.Match[str]) -> str:
        parameter = match.group(1) or match.group(2)
        assert parameter in SAMPLES, f"{route}: give SAMPLES a value for {parameter!r}"
        return SAMPLES[parameter]

    return value


def policies(name: str, view: Any) -> dict[str, Policy | None]:
    """The declared policy of each method of `view`; a view or operation without one fails the test."""
    operations = (
        getattr(inspect.getclosurevars(view).nonlocals.get("self"), "operations", None) if is_closure(view) else None
    )
    if operations is not None:
        by_method = {method: operation.view_func for operation in operations for method in operation.methods}
        return {method: declared(name, by_method[method]) if method in by_method else None for method in METHODS}
    return dict.fromkeys(METHODS, declared(name, view))


def is_closure(view: Any) -> bool:
    return inspect.isfunction(view) and view.__name__ == "sync_view_wrapper"


def declared(name: str, view: Any) -> Policy:
    """What `view` says of itself, or what DECLARED says of views that are not ours."""
    policy = getattr(view, "policy", None) or DECLARED.get(name)
    if policy is None and name.startswith("admin:"):
        return (ADMINISTER,)
    assert policy, f"{name} ({view}) declares no policy: decorate it with perf.access.requires, signed_in or anyone"
    return policy  # type: ignore[no-any-return]  # an attribute of a function


def people() -> list[Person]:
    """One of each kind: signed out, deactivated, no role, each role, a superuser, and tokens of each scope."""
    everyone = [
        Person("signed out", frozenset(), {}, known=False),
        Person("deactivated", frozenset(), session(user("gone", "admin", deactivate=True)), known=False),
        Person("deactivated's token", frozenset(), token(User.objects.get(username="gone"), Scope.WRITE), known=False),
        Person("no role", frozenset(), session(user("new"))),
        Person("superuser", None, session(user("root", is_superuser=True))),
    ]
    everyone += [Person(role, rights, session(user(role, role))) for role, rights in ROLES.items()]
    admin, viewer = User.objects.get(username="admin"), User.objects.get(username="viewer")
    everyone += [
        Person(f"admin's {scope} token", SCOPES[scope], token(admin, scope), token_scope=scope)
        for scope in Scope.values
    ]
    narrow = SCOPES[Scope.WRITE] & (ROLES["viewer"] or frozenset())
    return [*everyone, Person("viewer's write token", narrow, token(viewer, Scope.WRITE), token_scope=Scope.WRITE)]


def user(name: str, role: str = "", *, deactivate: bool = False, is_superuser: bool = False) -> User:
    made = User.objects.create_user(name, is_superuser=is_superuser, is_active=not deactivate)
    made.groups.set(Group.objects.filter(name=role))
    return made


def session(of: User) -> dict[str, Any]:
    client = Client()
    client.force_login(of)
    return {"cookie": client.cookies[settings.SESSION_COOKIE_NAME].value}


def token(of: User, scope: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {AccessToken.objects.make(of, scope, scope)[1]}"}}


def expected(person: Person, address: Address, method: str) -> str:
    """One of in, sign in, 401, 403, 405."""
    policy = address.policies[method]
    if person.token_scope or not person.known:
        refusal = expected_of_stranger(person, address, method, policy)
        if refusal:
            return refusal
    if policy is None:
        return "405"
    if policy == (ADMINISTER,) and closed(address, method):
        return "403"
    return "in" if policy in {ANYONE, SIGNED_IN} or person.rights is None or may(policy, person.rights) else "403"


def may(policy: Policy, rights: frozenset[str]) -> bool:
    return bool(policy & rights) if isinstance(policy, frozenset) else set(policy) <= rights


def expected_of_stranger(person: Person, address: Address, method: str, policy: Policy | None) -> str:
    """What holds for tokens and people we do not know, before any permission; "" when that decides."""
    if policy == ANYONE and not (address.is_api and "headers" in person.credentials):
        return "in"
    if not address.is_api or not person.known:
        is_page = not address.is_api or (address.name == "api:openapi-view" and "headers" not in person.credentials)
        return "sign in" if is_page else "401"
    return "403" if person.token_scope in READ_ONLY_SCOPES and method not in SAFE else ""


def accepted(person: Person, address: Address, method: str) -> set[str]:
    """The answers that are right: a view may also say, whoever asks, that it does not take the method."""
    wanted = expected(person, address, method)
    is_view = not address.path.startswith("/api/") or address.name.startswith("api:openapi-")
    return {wanted, "405"} if wanted in {"in", "403"} and is_view else {wanted}


def closed(address: Address, method: str) -> bool:
    """Whether the admin keeps this page from everybody: tokens and the audit log are not edited there."""
    model_admins = {model._meta.label_lower.replace(".", "_"): found for model, found in admin.site._registry.items()}
    match = re.fullmatch(rf"admin:({'|'.join(model_admins)})_(add|change|delete)", address.name)
    if match is None:
        return (
            address.name == "admin:autocomplete" and method == "GET"
        )  # 403 unless asked for a field some form completes
    request = RequestFactory().get(address.path)
    request.user = User(is_superuser=True)
    may_view = match[2] == "change" and method == "GET"
    return not may_view and not getattr(model_admins[match[1]], f"has_{match[2]}_permission")(request)


def answered(person: Person, address: Address, method: str) -> str:
    """What really came back, in the words of `expected`."""
    response = asked(person, address, method)
    status = response.status_code
    if status == 302 and response["Location"].startswith("/login/?next=") and address.name not in DECLARED:
        return "sign in"
    refused = status in {401, 403, 405} or status >= 500
    return str(status) if refused else "in"


def asked(person: Person, address: Address, method: str) -> Any:
    """The response; nothing that the request wrote stays."""
    client = Client(raise_request_exception=False)
    if "cookie" in person.credentials:
        client.cookies = SimpleCookie({settings.SESSION_COOKIE_NAME: person.credentials["cookie"]})
    with transaction.atomic():
        response: Any = client.generic(method, address.path, headers=person.credentials.get("headers"))
        response.sent = b"".join(response) if response.streaming else response.content
        transaction.set_rollback(True)
    return response


def tries(person: Person, address: Address, method: str) -> bool:
    """Whether `person` is to try this: everybody, where roles or scopes decide; else those who stand for all."""
    if is_admin(address) and address.name != "admin:index":
        return method in {"GET", "POST"} and person.name in AT_THE_DOOR
    if not isinstance(address.policies[method], tuple | frozenset):
        return person.name in FEW
    return person.name in FEW or address.is_api or (method in {"GET", "POST"} and not person.token_scope)


def is_admin(address: Address) -> bool:
    return address.name.startswith("admin:")


KINDS: dict[str, Callable[[Address], bool]] = {
    "pages": lambda address: not address.is_api and not is_admin(address),
    "api": lambda address: address.is_api,
    "admin": is_admin,
}


@pytest.mark.timeout(300)  # a thousand requests, on a machine that may be busy
@pytest.mark.parametrize("kind", KINDS)
def test_every_address_answers_each_person_as_its_policy_says(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = [address for address in addresses() if KINDS[kind](address)]
    assert mine
    monkeypatch.setattr(errors, "render_to_string", lambda *_: "")  # thousands of refusals; test_errors.py reads them
    everyone = people()
    wrong = [
        f"{method} {address.path} as {person.name}: {got}, not {expected(person, address, method)}"
        for address in mine
        for method in METHODS
        for person in everyone
        if tries(person, address, method)
        if (got := answered(person, address, method)) not in accepted(person, address, method)
    ]
    assert not wrong, "\n".join(wrong)


def demoted() -> Person:
    """Who signed in as an administrator and is none any more."""
    former = user("former", "admin")
    shown = session(former)
    former.groups.clear()
    return Person("demoted", frozenset(), shown)


def same_head(got: Any, head: Any, *, is_api: bool) -> bool:
    """Whether a HEAD is answered as the GET `got`; operations of the API that have none say so."""
    if is_api and head.status_code == 405 != got.status_code:
        return "GET" in head["Allow"] and "HEAD" not in head["Allow"]
    said = [
        {name: text for name, text in response.headers.items() if name not in EACH_TIME} for response in (got, head)
    ]
    return (head.status_code, said[1], head.sent) == (got.status_code, said[0], b"")


def tells_nothing(got: Any, options: Any, address: Address) -> bool:
    """Whether OPTIONS are refused as the GET `got`, or answered with methods alone; what is for anyone is no secret."""
    if options.status_code == 405 or (options.status_code == 200 and "Allow" in options and not options.sent):
        return True
    is_refusal = options.status_code >= 300 or address.policies["GET"] == ANYONE
    return is_refusal and (options.status_code, options.get("Location")) == (got.status_code, got.get("Location"))


def learn_more(everyone: list[Person], some: Iterable[Address]) -> list[str]:
    """Who learns by HEAD or OPTIONS what a GET does not tell them."""
    found = []
    for address, person in product(some, everyone):
        got, head, options = (asked(person, address, method) for method in ("GET", "HEAD", "OPTIONS"))
        found += [
            f"{address.path} as {person.name}: {(got, head, options)}"
            for is_right in (same_head(got, head, is_api=address.is_api), tells_nothing(got, options, address))
            if not is_right
        ]
    return found


@pytest.fixture
def _cheap(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """No rates, and refusals that are not rendered."""
    settings.RATE_LIMITS = {}
    monkeypatch.setattr(errors, "render_to_string", lambda *_: "")


@pytest.mark.usefixtures("_cheap")
def test_head_and_options_of_each_policy_tell_nobody_more_than_get() -> None:
    """One address of each policy and door; the next test asks all."""
    one_of_each = {(is_admin(one), one.is_api, *map(one.policies.get, ("GET", "POST"))): one for one in addresses()}
    everyone = [*(person for person in people() if person.name in FEW), demoted()]
    assert len(one_of_each) > 20
    assert learn_more(everyone, one_of_each.values()) == []


@pytest.mark.drill  # ten thousand requests
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("_cheap")
@pytest.mark.parametrize("kind", KINDS)
def test_head_and_options_of_every_address_tell_nobody_more_than_get(kind: str) -> None:
    assert learn_more([*people(), demoted()], filter(KINDS[kind], addresses())) == []


def test_no_session_writes_to_the_api_without_the_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))
    before = AuditEntry.objects.count()
    let_in = [
        f"{method} {address.path}"
        for address in addresses()
        if address.is_api
        for method, policy in address.policies.items()
        if policy is not None and method not in SAFE and address.name not in DECLARED
        if client.generic(method, address.path).status_code not in {403, 405}
    ]
    assert let_in == []
    assert AuditEntry.objects.count() == before
