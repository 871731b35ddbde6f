"""Bytes that no database stores and numbers that no column holds, wherever an address takes a value: never a 5xx."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client

from project import errors
from project.urls import api
from tests.project.item_doorways import Items
from tests.project.reads import World
from tests.project.test_matrix import KINDS, Address, addresses, is_admin

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

NUL = "a%00b"
"""What PostgreSQL cannot be asked for."""

BEYOND = "99999999999999999999999"
"""What is beyond every integer."""

ODD_PATHS = ("%00", "%ED%A0%80", "99999999999999999999999", "%F0%9F%98%80", "x" * 300)
KEPT = re.compile("no-store|private, no-cache|^no-cache$|max-age")


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Client:
    """An administrator in a world with something at many addresses, for whom refusals are not rendered."""
    settings.RATE_LIMITS = {}
    monkeypatch.setattr(errors, "render_to_string", lambda *_: "")
    monkeypatch.setattr("django.test.client.store_rendered_templates", lambda *_, **__: None)  # a copy a template
    world = World()
    Items()
    client = Client(raise_request_exception=False)
    client.force_login(world.root)
    return client


def status(client: Client, path: str) -> int:
    """What a GET is answered with, the whole body read; nothing that it wrote stays."""
    with transaction.atomic():
        answer: Any = client.get(path)
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    if answer.status_code < 400:
        assert KEPT.search(answer["Cache-Control"]), path
        assert "public" not in answer["Cache-Control"], path
    return int(answer.status_code)


def documented(address: Address) -> dict[str, bool]:
    """The query parameters that the API's description names for the address, and whether each takes any text."""
    for path, operations in api.get_openapi_schema()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), address.path):
            found = operations.get("get", {}).get("parameters", [])
            return {one["name"]: takes_text(one["schema"]) for one in found if one["in"] == "query"}
    return {}


def takes_text(schema: dict[str, Any]) -> bool:
    """Whether a parameter of the API is text of any kind, rather than a number, a day or one of a few words."""
    kinds = [schema, schema.get("items", {}), *schema.get("anyOf", ())]
    return any(one.get("type") == "string" and not {"enum", "format"} & one.keys() for one in kinds)


def of_the_list(address: Address) -> set[str]:
    """What a list of the administration is sorted, paged, searched and filtered by."""
    names = {"q", "p", "o", "e", "all", "_facets", "_popup", "_to_field"}
    for model, shown in admin.site._registry.items():
        if address.name == f"admin:{model._meta.label_lower.replace('.', '_')}_changelist":
            filters = [each[0] if isinstance(each, tuple) else each for each in shown.list_filter]
            fields = [*(each for each in filters if isinstance(each, str)), "pk"]
            names |= {f"{field}{how}" for field in fields for how in ("__exact", "__isempty", "__gte")}
            names |= {each.parameter_name for each in filters if hasattr(each, "parameter_name")}
            names |= {f"{shown.date_hierarchy}{part}" for part in ("__year", "__gte") if shown.date_hierarchy}
    return names


def readable(kind: str, client: Client, asked: set[str]) -> Iterator[tuple[str, dict[str, bool]]]:
    """Each page, read of the API and list of the administration; its parameters, and whether each takes any text."""
    for address in filter(KINDS[kind], addresses()):
        if not address.policies["GET"] or (is_admin(address) and not address.name.endswith(("_changelist", ":index"))):
            continue
        path = address.path.replace("x/cdcgov", "x/subject").replace("DRAFT_0020", "A-1")
        if kind == "pages":
            asked.clear()
            client.get(path)
            yield path, dict.fromkeys(asked - {"csrfmiddlewaretoken"}, True)
        else:
            yield path, documented(address) if address.is_api else dict.fromkeys(of_the_list(address), True)


def failed(kind: str, client: Client, asked: set[str], *, each: bool) -> list[str]:
    """What was answered with a failure: all texts of an address odd at once, all parameters too large, with `each` one.

    A refusal tells of the first odd text alone, so the others are then tried by themselves; but the administration
    refuses a NUL wherever it stands, before anything is looked at.
    """
    tried: dict[str, int] = {}
    for path, names in readable(kind, client, asked):
        texts = [name for name in sorted(names) if each or names[name]]
        odd = f"{path}?{'&'.join(f'{name}={NUL}' for name in texts)}"
        large = f"{path}?%00=1&%ED%A0%80=1&{'&'.join(f'{name}={BEYOND}' for name in sorted(names))}"
        tried |= {odd: status(client, odd), large: status(client, large)}
        if each or (kind != "admin" and tried[odd] == 400):
            tried |= {one: status(client, one) for one in (f"{path}?{name}={NUL}" for name in texts)}
    assert len(tried) > 50
    return [path for path, answer in tried.items() if answer >= 500]


@pytest.mark.parametrize("kind", KINDS)
def test_no_query_parameter_is_answered_with_a_failure(kind: str, root: Client, asked: set[str]) -> None:
    assert failed(kind, root, asked, each=False) == []


@pytest.mark.drill
@pytest.mark.parametrize("kind", KINDS)
def test_no_query_parameter_alone_is_answered_with_a_failure(kind: str, root: Client, asked: set[str]) -> None:
    assert failed(kind, root, asked, each=True) == []


def test_no_value_in_a_path_is_answered_with_a_failure(root: Client) -> None:
    paths = {
        address.path.replace(value, odd)
        for address in addresses()
        if not is_admin(address) and address.policies["GET"]
        for value in ("cdcgov", "DRAFT_0020", "flu", "no-such-code", "set-password", "MQ", "snapshots:overview")
        for odd in ODD_PATHS
        if value in address.path
    }
    paths |= {f"/admin/{name}/{odd}/change/" for name in ("auth/user", "accounts/tag") for odd in ODD_PATHS}
    assert len(paths) > 50
    assert [path for path in sorted(paths) if status(root, path) >= 500] == []
