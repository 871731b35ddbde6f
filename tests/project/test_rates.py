"""Rate limits where people meet them: the API's reads, exports and scrapes, and the pages that start scrapes."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(client: Client, settings: Any) -> Client:
    settings.RATE_LIMITS = {"reads": (3, 60), "exports": (1, 3600), "scrapes": (1, 3600)}
    client.force_login(factories.user("editor"))
    return client


def test_reads_are_counted_and_the_next_is_refused_with_the_time_to_wait(editor: Client) -> None:
    answers = [editor.get("/api/accounts") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    refused = answers[-1]
    assert 0 < int(refused["Retry-After"]) <= 60
    assert refused.json()["error"].startswith("More than 3 reads in a minute. Nothing was done.")


def test_exports_have_a_rate_of_their_own(editor: Client) -> None:
    assert editor.get("/api/export.csv").status_code == 200
    refused = editor.get("/api/export.json")
    assert (refused.status_code, refused["RateLimit-Policy"]) == (429, "1;w=3600")
    assert editor.get("/api/accounts")["RateLimit-Policy"] == "3;w=60"


@pytest.mark.parametrize("address", ["/exports/accounts.csv", "/workitems/export.csv"])
def test_what_a_page_shows_as_a_file_is_an_export(address: str, client: Client, settings: Any) -> None:
    settings.RATE_LIMITS = {"exports": (1, 3600)}
    client.force_login(factories.user("admin"))
    assert [client.get(address).status_code for _ in range(2)] == [200, 429]


def test_another_person_is_not_held_up(editor: Client) -> None:
    assert editor.get("/api/export.csv").status_code == 200
    other = Client()
    other.force_login(factories.user("viewer"))
    assert other.get("/api/export.csv").status_code == 200


def test_scrapes_by_page_and_by_api_are_counted_together(editor: Client) -> None:
    factories.account("x", "someone")
    assert editor.post("/api/scrapes", {"scope": "all"}, "application/json").status_code == 202
    refused = editor.post("/scraping/start/", {"scope": "all"})
    assert refused.status_code == 429
    assert b"More than 1 scrapes in an hour" in refused.content


def test_who_may_not_export_uses_nothing_up(client: Client, settings: Any) -> None:
    settings.RATE_LIMITS = {"exports": (1, 3600)}
    client.force_login(User.objects.create(username="nobody"))
    answers = [client.get("/api/export.csv") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {403}
    assert "RateLimit-Limit" not in answers[0]
