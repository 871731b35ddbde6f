"""The small world the registry's tests share."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User

from accounts.models import Account, Organization
from accounts.signals import accounts_changed


@pytest.fixture
def office(db):
    return Organization.objects.create(name="Office")


@pytest.fixture
def cdc(office, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        return Account.objects.create(organization=office, platform="x", handle="CDCgov", url="https://x.com/CDCgov")


@pytest.fixture
def signed_in(client, db):
    """A function: the test client, signed in as someone with a role."""

    def sign_in(role):
        user, _ = User.objects.get_or_create(username=f"some-{role}")
        user.groups.add(Group.objects.get(name=role))
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def told():
    """What accounts_changed told, in order: dicts of its arguments."""
    heard: list[dict] = []

    def hear(sender, signal, **said):
        heard.append(said)

    accounts_changed.connect(hear, weak=False)
    yield heard
    accounts_changed.disconnect(hear)


@pytest.fixture
def events():
    """What perf.events was told of the registry, in order: (actor, action, target, detail)."""
    from perf.events import event

    heard: list[tuple] = []

    def hear(sender, signal, **said):
        if said["action"].startswith(("accounts.", "organizations.", "tags.")):
            heard.append((said["actor"], said["action"], said["target"], said["detail"]))

    event.connect(hear, weak=False)
    yield heard
    event.disconnect(hear)
