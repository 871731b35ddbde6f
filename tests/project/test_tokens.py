"""The page of one's own access tokens: what may be made, how it is shown, and what revoking asks first."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from perf import clock
from project.models import AccessToken, AuditEntry

pytestmark = pytest.mark.django_db

Person = Callable[..., User]


def page(client: Client, path: str = "/tokens/") -> str:
    return client.get(path).content.decode()


def scopes(client: Client) -> list[str]:
    return re.findall(r'<option value="(\w+)"', page(client).partition("id_days")[0])


def test_only_scopes_with_any_use_to_the_person_are_offered(client: Client, person: Person) -> None:
    for role, wanted in {"viewer": ["read", "write"], "reviewer": ["crew"]}.items():
        client.force_login(person(role, role))
        assert scopes(client) == wanted
    refused = client.post("/tokens/", {"name": "BI", "scope": "read", "days": "90"})
    assert b"not one of the available choices" in refused.content
    assert not AccessToken.objects.exists()


def test_who_has_no_role_is_told_so_instead_of_a_form(client: Client, person: Person) -> None:
    client.force_login(person("new"))
    shown = page(client)
    assert "Your roles allow nothing that a token could do" in shown
    assert "Make token" not in shown
    assert "You have no tokens" in shown


def test_new_token_comes_with_its_end_and_a_command_that_works(client: Client, person: Person, settings: Any) -> None:
    settings.BASE_URL = "https://tidemark.example"
    client.force_login(person("ann", "viewer"))
    shown = client.post("/tokens/", {"name": "Power BI", "scope": "read", "days": "30"}).content.decode()
    command = re.search(r"curl -H \"Authorization: Bearer (tm_[\w-]{43})\" \"(\S+)\"", shown)
    assert command is not None
    secret, address = command.groups()
    assert address.startswith("https://tidemark.example/api/")
    path = address.removeprefix("https://tidemark.example")
    assert Client().get(path, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert re.search(rf'It works until <time datetime="{clock.today() + timedelta(days=30)}', shown)


def test_list_says_which_tokens_work(client: Client, person: Person) -> None:
    ann = person("ann", "viewer")
    for name in ("fresh", "old", "stopped"):
        AccessToken.objects.make(ann, name, "read", clock.now() + timedelta(days=1))
    AccessToken.objects.filter(name="old").update(expires_at=clock.now() - timedelta(days=1))
    AccessToken.objects.get(name="stopped").revoke()
    client.force_login(ann)
    row = r'rowheader" class="row-full">(\w+)<.*?class="nowrap">(works|run out|revoked)'
    rows = re.findall(row, page(client), re.DOTALL)
    assert rows == [("stopped", "revoked"), ("old", "run out"), ("fresh", "works")]
    assert page(client).count("/revoke/") == 1


def test_revoking_asks_first_and_says_what_stops(client: Client, person: Person) -> None:
    ann = person("ann", "viewer")
    token, secret = AccessToken.objects.make(ann, "BI", "read")
    client.force_login(ann)
    asked = page(client, f"/tokens/{token.pk}/revoke/")
    assert "is refused from its next request on" in asked
    assert "never used" in asked
    assert AccessToken.objects.find(secret) == token
    client.post(f"/tokens/{token.pk}/revoke/")
    assert AccessToken.objects.find(secret) is None
    assert AuditEntry.objects.filter(action="token.revoked", actor_name="ann").count() == 1
    assert "It does not work any more: revoked" in page(client, f"/tokens/{token.pk}/revoke/")


def test_page_says_how_often_one_may_ask(client: Client, person: Person, settings: Any) -> None:
    settings.RATE_LIMITS = {"reads": (7, 60), "exports": (0, 3600), "scrapes": (2, 3600)}
    client.force_login(person("ann", "viewer"))
    assert "7 reads in a minute and 2 scrapes in an hour" in page(client)
