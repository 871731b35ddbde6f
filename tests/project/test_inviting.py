"""Invitations when something goes wrong: no mail, two who hurry, and whoever invited is gone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from project.forms import InvitedUserForm
from project.models import AuditEntry, Invitation
from project.views import join

pytestmark = pytest.mark.django_db

NEW = "another long phrase 43"
JOIN = {"username": "zach", "password1": NEW, "password2": NEW}


@pytest.fixture
def root(client: Client, person: Callable[..., User]) -> User:
    made = person("root", "admin")
    client.force_login(made)
    return made


def link_on(page: Any) -> str:
    found = re.search(r"/invitation/[\w-]{43}/", page.content.decode())
    assert found is not None
    return found.group()


def invite(client: Client, **fields: str) -> Any:
    return client.post("/admin/project/invitation/add/", {"role": "crew", "email": "", **fields})


def test_mail_that_fails_leaves_a_link_to_hand_over(client: Client, root: User, settings: Any) -> None:
    settings.MAIL, settings.EMAIL_TIMEOUT = True, 1
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # where nobody listens
    page = invite(client, email="zach@example.org")
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert "was not sent" in page.content.decode()
    assert Client().post(link_on(page), JOIN).status_code == 302
    assert AuditEntry.objects.filter(action="invitation.made", target="zach@example.org").count() == 1


@pytest.mark.both_dbs
def test_name_taken_meanwhile_is_said_and_the_invitation_stays_good(client: Client, root: User) -> None:
    link = link_on(invite(client))
    form = InvitedUserForm(JOIN)
    assert form.is_valid()
    User.objects.create_user("zach")  # between the check and the insert
    assert join(form, Invitation.objects.get()) is None
    assert "username" in form.errors
    page = Client().post(link, JOIN)
    assert (page.status_code, b"already exists" in page.content) == (200, True)
    assert Client().post(link, JOIN | {"username": "ZACH"}).status_code == 200  # nor in other letters
    assert Client().post(link, JOIN | {"username": "zachary"}).status_code == 302


def test_invitations_end_with_whoever_made_them(client: Client, root: User) -> None:
    link, other = link_on(invite(client)), link_on(invite(client))
    assert Client().get(link).status_code == 200
    root.groups.clear()
    assert Client().get(link).status_code == 410  # may no longer invite
    root.groups.set(Group.objects.filter(name="admin"))
    root.is_active = False
    root.save()
    assert Client().post(link, JOIN).status_code == 410
    root.delete()
    assert Client().post(other, JOIN).status_code == 410
    assert not User.objects.filter(username="zach").exists()


def test_invitation_taken_back_is_on_the_record(client: Client, root: User) -> None:
    link = link_on(invite(client))
    client.post(f"/admin/project/invitation/{Invitation.objects.get().pk}/delete/", {"post": "yes"})
    assert Client().get(link).status_code == 410
    assert AuditEntry.objects.filter(action="invitation.delete", actor=root).count() == 1
