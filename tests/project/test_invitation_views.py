"""Invitations on paper: a code per person, shown once, good once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import segno
from django.test import Client

from project.models import AuditEntry, Invitation
from tests import factories
from tests.scraping.watching import hook_sink

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


TEXTED = {"text-role": "crew", "text-phone": "+4915112345678"}


@pytest.fixture
def twilio(settings: Any) -> Iterator[Any]:
    """What text messages are sent to, over HTTP."""
    settings.SMS, settings.BASE_URL = True, "https://tidemark.example.org"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.TWILIO_FROM = "AC1", "secret", "+14155552671"
    with hook_sink() as sink:
        settings.FAKE_PLATFORMS_URL = "http://127.0.0.1:{1}".format(*sink.server_address)
        yield sink


def test_an_invitation_is_texted_with_a_link_that_works_once(admin: Client, twilio: Any) -> None:
    twilio.status = 201
    page = admin.post("/invitations/", TEXTED, follow=True).content.decode()
    assert "on its way to +4915112345678" in page
    ((path, _, body),) = twilio.received
    assert path == "/api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"
    said = parse_qs(body.decode())
    assert (said["To"], said["From"]) == (["+4915112345678"], ["+14155552671"])
    words, _, link = said["Body"][0].rpartition("https://tidemark.example.org")
    assert words.endswith("within 72 hours: ")
    assert link not in page
    account = {"username": "zach", "password1": "a long phrase 4321", "password2": "a long phrase 4321"}
    assert Client().post(link, account).status_code == 302
    used = Invitation.objects.get()
    assert (used.phone, used.used_by.username, Client().get(link).status_code) == ("+4915112345678", "zach", 410)
    assert AuditEntry.objects.get(action="invitation.made").target == "+4915112345678"


def test_an_invitation_that_cannot_be_texted_is_a_card_to_hand_over(admin: Client, twilio: Any) -> None:
    twilio.status = 400
    page = admin.post("/invitations/", TEXTED)
    assert "not sent: Twilio answered with HTTP 400: no reason was given. The invitation is good" in page.text
    ((_, link),) = cards(page)
    assert Client().get(link.removeprefix("https://tidemark.example.org")).status_code == 200
    refused = admin.post("/invitations/", TEXTED | {"text-phone": "0151 123"})
    assert (refused.status_code, "country code" in refused.text, len(twilio.received)) == (400, True, 1)


def test_nothing_offers_text_messages_where_none_are_set_up(admin: Client, settings: Any) -> None:
    settings.SMS = False
    assert "Text an invitation" not in admin.get("/invitations/").text
    assert admin.post("/invitations/", TEXTED).status_code == 400
    assert not Invitation.objects.exists()
