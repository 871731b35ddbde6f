"""Odd bodies and cookies, wherever somebody may send one: never a 5xx, and nothing half done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as product
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import reverse

from project import errors, sign_in_views
from project.session_store import SessionStore
from snapshots import listing
from tests import factories
from tests.project.asking import Asked, Question
from tests.project.item_doorways import Items
from tests.project.reads import World
from tests.project.test_matrix import Address, addresses, is_admin

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

BEYOND = "99999999999999999999999"
ODD_TEXTS, ODD_NUMBERS = ("a\0b", "\ud800"), (10**30, -1)
ODD_SHAPES: tuple[Any, ...] = (None, [None], {"a": [{}]}, "x" * 70_000)
ODD_EVERYWHERE = (b"null", b"[]")
ODD_ONCE = (
    *(b"{", b"0", b"[1e999]", b"\xff\xfe{}", b'{"a": -Infinity}', b'{"a":1,"a":2}', b"\0", b"1" * 5_000),
    *(b"[" * 100_000, b'{"a":' * 100_000),
)
"""What one reader of JSON refuses for all operations."""

ODD_ROWS = (["x"], [BEYOND], [f"-{BEYOND}"], ["1", "1", "-1"], ["1.5"], [""], ["1", "a\0b"])
ODD_COUNTS = ("", "x", "-1", BEYOND, "40")
KEPT = (listing.COOKIE, sign_in_views.COOKIE)
ODD_COOKIES = (
    *('"abcdefgh\\000"', '"\\000\\000\\000\\000\\000\\000\\000\\000"', "\\000", '"\\400\\777"', "a" * 6_000),
    *("", "=", '"', "../../../etc/passwd", "'x'--", "é" * 16, "\xff\xfe" * 8),
)


@pytest.fixture(autouse=True)
def _unlimited(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """No rates, and refusals that are not rendered: test_errors.py reads those."""
    settings.RATE_LIMITS = {}
    monkeypatch.setattr(errors, "render_to_string", lambda *_: "")


def status(client: Client, method: str, path: str, body: Any = b"", kind: str = "", **more: Any) -> int:
    """What it is answered with; nothing that it wrote stays."""
    with transaction.atomic():
        if kind:
            answer: Any = client.generic(method, path, body, kind, **more)
        else:
            answer = client.post(path, body)
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    return int(answer.status_code)


def odd(good: Any) -> Iterator[Any]:
    """A good body with each of its values in turn odd, then with all of one odd shape; then odd ones altogether."""
    named = good if isinstance(good, dict) else {}
    for name, value in named.items():
        one = value[0] if isinstance(value, list) and value else value
        for odd_one in ODD_TEXTS if isinstance(one, str) else ODD_NUMBERS:
            yield json.dumps(named | {name: [odd_one] if isinstance(value, list) else odd_one})
    yield from (json.dumps(dict.fromkeys(named, shape)) for shape in ODD_SHAPES)
    yield from ODD_EVERYWHERE


def writes(world: Asked) -> Iterator[tuple[str, str, str, Question]]:
    """Each operation that writes: its name, method and address, and the good question."""
    for label, question in world.questions().items():
        method, _, path = label.partition(" ")
        if method not in {"GET", "HEAD"}:
            yield label, method, path.format(**question.get("path_parameters", {})), question


def test_no_body_of_a_write_of_the_api_is_answered_with_a_failure() -> None:
    world, client = Asked(), Client(raise_request_exception=False)
    failed, tried = [], 0
    for body in ODD_ONCE:
        headers = world.asker("POST /api/accounts")
        assert status(client, "POST", "/api/accounts", body, "application/json", headers=headers) == 400
    for label, method, path, question in writes(world):
        headers = {**world.asker(label), **question.get("headers", {})}
        for name in question.get("query", ()):
            tried += 2
            failed += [
                (label, name, value)
                for value in ("a%00b", BEYOND)
                if status(client, method, f"{path}?{name}={value}", b"", "application/json", headers=headers) >= 500
            ]
        kind = question.get("media_type", "application/json")
        for body in odd(question.get("body")):
            tried += 1
            if (got := status(client, method, path, body, kind, headers=headers)) >= 500:
                failed.append((label, body[:60], got))
    assert failed == []
    assert tried > 200


def fields(client: Client, path: str, asked: set[str]) -> list[str]:
    """What a form posted to `path` is asked for, as far as it gets when every field known so far says 1."""
    asked.clear()
    for _ in "12":
        status(client, "POST", path, dict.fromkeys(asked, "1"))
    return sorted(asked - {"csrfmiddlewaretoken"})


def forms(address: Address) -> bool:
    """Whether pages send forms to the address."""
    return not address.is_api and not is_admin(address) and bool(address.policies["POST"])


def test_no_field_of_a_form_is_answered_with_a_failure(asked: set[str]) -> None:
    world, _ = World(), Items()
    client = Client(raise_request_exception=False)
    client.force_login(world.root)
    failed, tried = [], 0
    for address in filter(forms, addresses()):
        path = address.path.replace("x/cdcgov", "x/subject").replace("DRAFT_0020", "A-1")
        names = fields(client, path, asked)
        sent = [dict.fromkeys(names, "1") | {name: "a\0b"} for name in names]
        sent += [dict.fromkeys(names, value) for value in (BEYOND, "x", "", ["1", "\u202e", "1"])]
        tried += len(sent)
        failed += [(path, data, got) for data in sent if (got := status(client, "POST", path, data)) >= 500]
    assert failed == []
    assert tried > 200


def odd_posts(model: Any, shown: Any, client: Client, asked: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What to send to the list of `model` in the administration, and to its forms, if they are open."""
    place = f"admin:{model._meta.label_lower.replace('.', '_')}"
    every = reverse(f"{place}_changelist")
    request: Any = client.get(every).wsgi_request
    action = next(reversed(shown.get_actions(request)), "none")
    yield from ((every, {"action": action, "_selected_action": rows, "post": "yes"}) for rows in ODD_ROWS)
    if shown.list_editable:
        edited = ("form-TOTAL_FORMS", "form-INITIAL_FORMS")
        yield from ((every, {"_save": "1", **dict.fromkeys(edited, count)}) for count in ODD_COUNTS)
    row = model._default_manager.order_by("pk").first()
    changes = [reverse(f"{place}_change", args=[row.pk])] if row and shown.has_change_permission(request) else []
    for path in (*([reverse(f"{place}_add")] if shown.has_add_permission(request) else []), *changes):
        names = fields(client, path, asked)
        counts = [name for name in names if name.endswith("_FORMS")]
        yield from ((path, dict.fromkeys(names, "1") | dict.fromkeys(counts, count)) for count in ODD_COUNTS if counts)
        yield from ((path, dict.fromkeys(names, value)) for value in (BEYOND, "x", "a\0b", ["1", "1"]))
        yield path, {"_popup": "x", "_to_field": "password"}


def test_no_form_of_the_administration_is_answered_with_a_failure(asked: set[str]) -> None:
    world, _ = World(), Items()
    client = Client(raise_request_exception=False)
    client.force_login(world.root)
    failed, tried = [], 0
    for model, shown in admin.site._registry.items():
        for path, data in odd_posts(model, shown, client, asked):
            tried += 1
            if (got := status(client, "POST", path, data)) >= 500:
                failed.append((path, str(data)[:90], got))
    assert failed == []
    assert tried > 200
    assert status(client, "POST", "/admin/auth/user/", {"_selected_action": ["1"] * 10_000}) == 400


def test_no_cookie_is_answered_with_a_failure() -> None:
    client = Client(raise_request_exception=False)
    names = (product.SESSION_COOKIE_NAME, product.CSRF_COOKIE_NAME, f"{product.COOKIE_PREFIX}messages", *KEPT, "")
    failed = [
        (path, cookie, got)
        for path in ("/", "/login/", "/login/code/", "/api/accounts", "/accounts/")
        for cookie in ODD_COOKIES
        for said in ["; ".join(f"{name}={cookie}" for name in names)]
        if (got := client.get(path, headers={"Cookie": said}).status_code) >= 500
    ]
    assert failed == []


def test_session_of_a_key_that_can_be_none_is_thrown_away() -> None:
    user = factories.user("viewer")
    client = Client()
    client.force_login(user)
    assert client.get("/accounts/").status_code == 200
    key = client.cookies[product.SESSION_COOKIE_NAME].value
    assert SessionStore(key).load()
    client.cookies[product.SESSION_COOKIE_NAME] = f"{key}\0"
    answer = client.get("/accounts/")
    assert answer.status_code == 302
    assert answer.cookies[product.SESSION_COOKIE_NAME]["max-age"] == 0
