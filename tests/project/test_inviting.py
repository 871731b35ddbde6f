"""Invitations when something goes wrong: no mail, two who hurry, and whoever invited is gone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
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


@pytest.fixture
def recruiter(client: Client, person: Callable[..., User]) -> User:
    """A viewer with a group of an administrator's own, for invitations alone."""
    recruiter, group = person("hr", "viewer"), Group.objects.create(name="HR")
    group.permissions.set(Permission.objects.filter(codename__in=["administer", "add_invitation"]))
    recruiter.groups.add(group)
    client.force_login(recruiter)
    return recruiter


def test_nobody_invites_into_more_than_they_may_themselves(
    client: Client, recruiter: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SMS = True
    monkeypatch.setattr("project.invitation_views.text_message", lambda *_, **__: None)
    for path in ("/invitations/", "/admin/project/invitation/add/"):
        offered = re.findall(r'<option value="(\w+)"', client.get(path).content.decode())
        assert set(offered) == {"viewer"}, path
    for role in ("admin", "editor", "crew"):
        client.post("/invitations/", {"role": role, "cards": "1"})
        client.post("/invitations/", {"text-role": role, "text-phone": "+4915112345678"})
        invite(client, role=role)
    assert not Invitation.objects.exists()
    assert Client().post(link_on(invite(client, role="viewer")), JOIN).status_code == 302


def test_who_may_do_less_than_any_role_is_told_that_nobody_can_be_invited(client: Client, recruiter: User) -> None:
    recruiter.groups.remove(Group.objects.get(name="viewer"))
    refused = client.post("/invitations/", {"role": "viewer", "cards": "1"})
    assert (refused.status_code, "and there is none" in refused.content.decode()) == (403, True)


def test_invitation_ends_when_its_role_is_more_than_who_made_it_may(client: Client, recruiter: User) -> None:
    recruiter.groups.add(Group.objects.get(name="editor"))
    link = link_on(invite(client, role="editor"))
    assert Client().get(link).status_code == 200
    recruiter.groups.remove(Group.objects.get(name="editor"))
    assert Client().post(link, JOIN).status_code == 410


def test_invitation_taken_back_is_on_the_record(client: Client, root: User) -> None:
    link = link_on(invite(client))
    client.post(f"/admin/project/invitation/{Invitation.objects.get().pk}/delete/", {"post": "yes"})
    assert Client().get(link).status_code == 410
    assert AuditEntry.objects.filter(action="invitation.delete", actor=root).count() == 1
