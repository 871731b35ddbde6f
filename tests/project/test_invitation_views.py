"""Invitations on paper: a code per person, shown once, good once."""

from __future__ import annotations

import re
from typing import Any

import pytest
import segno
from django.test import Client

from project.models import AuditEntry, Invitation
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(factories.user("admin"))
    return client


def cards(page: Any) -> list[tuple[str, str]]:
    """Code and link of each card, as the page has them."""
    found = re.findall(
        r'<img src="(data:[^"]+)".*?<p class="invitation-link">(\S+?)</p>', page.content.decode(), re.DOTALL
    )
    return [(code.replace("&#x27;", "'").replace("&amp;", "&"), link) for code, link in found]


@pytest.mark.req("A38")
def test_each_card_holds_an_invitation_of_its_own_that_works_once(admin: Client, settings: Any) -> None:
    settings.BASE_URL = "https://tidemark.example.org"
    page = admin.post("/invitations/", {"role": "crew", "cards": "3"})
    assert page["Cache-Control"].count("no-store")
    made = cards(page)
    assert len({link for _, link in made}) == Invitation.objects.open().count() == 3
    for code, link in made:
        assert code == segno.make(link, error="q", micro=False).svg_data_uri(omitsize=True, border=4, light="#fff")
    path = made[0][1].removeprefix("https://tidemark.example.org")
    phone = Client()
    answer = phone.post(
        path, {"username": "zach", "password1": "a long phrase 4321", "password2": "a long phrase 4321"}
    )
    assert answer.status_code == 302
    assert Invitation.objects.open().count() == 2
    assert Client().get(path).status_code == 410
    again = admin.get("/invitations/").content.decode()
    assert "2 invitations are open" in again
    assert not any(link in again for _, link in made)
    assert AuditEntry.objects.get(action="invitation.made").detail == {"role": "crew", "printed": 3}


def test_too_many_cards_make_none(admin: Client) -> None:
    assert admin.post("/invitations/", {"role": "crew", "cards": "25"}).status_code == 400
    assert not Invitation.objects.exists()
