from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django_redis import get_redis_connection

from perf.cache import Family, cached, clear
from project.models import AuditEntry

pytestmark = pytest.mark.django_db

FAMILY = Family("cleared", timeout=60)


def state() -> str:
    """HIT or MISS of a value that is there unless the cache was cleared."""
    return cached(FAMILY, "one", lambda: b"1").state


@pytest.fixture
def foreign() -> Any:
    """A key beside ours, such as a queue or another product keeps in the same Redis."""
    connection = get_redis_connection()
    connection.set("somebody-elses", "1")
    yield connection
    connection.delete("somebody-elses")


@pytest.fixture(autouse=True)
def _warm() -> None:
    clear()
    state()
    assert state() == "HIT"


@pytest.mark.req("A12")
def test_administrator_clears_our_entries_and_nothing_else(
    client: Client, person: Callable[..., User], foreign: Any
) -> None:
    client.force_login(person("root", "admin"))
    assert "Clear the cache" in client.get("/admin/").content.decode()
    page = client.post("/admin/clear-cache/", follow=True).content.decode()
    assert "1 cached entries dropped" in page
    assert state() == "MISS"
    assert foreign.get("somebody-elses") == b"1"
    assert client.get("/tokens/").status_code == 200
    entry = AuditEntry.objects.get(action="cache.cleared")
    assert (entry.actor_name, entry.detail) == ("root", {"entries": 1})


@pytest.mark.req("A12")
@pytest.mark.parametrize("role", ["viewer", "editor", "crew", "reviewer"])
def test_others_may_not_clear(role: str, client: Client, person: Callable[..., User]) -> None:
    client.force_login(person("ann", role))
    assert client.post("/admin/clear-cache/").status_code == 403
    assert state() == "HIT"


def test_looking_at_the_button_clears_nothing(client: Client, person: Callable[..., User]) -> None:
    client.force_login(person("root", "admin"))
    assert client.get("/admin/clear-cache/").status_code == 405
    assert state() == "HIT"


@pytest.mark.req("A12")
def test_command_clears_counts_and_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("clear_cache")
    assert capsys.readouterr().out == "1 cached entries dropped.\n"
    assert state() == "MISS"
    assert AuditEntry.objects.get(action="cache.cleared").actor_name == ""


def test_command_says_when_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    from perf import cache

    def away() -> int:
        raise cache.Unreachable

    monkeypatch.setattr("project.clearing.cache.clear", away)
    with pytest.raises(CommandError, match="nothing was cleared"):
        call_command("clear_cache")
    assert not AuditEntry.objects.filter(action="cache.cleared").exists()
