"""The people and the item that the work items' tests share."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User

from perf.events import event
from workitems.models import WorkItem
from workitems.workflow import submit


def person(name, *roles):
    user, _ = User.objects.get_or_create(username=name, defaults={"first_name": name.title()})
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


@pytest.fixture
def mark(db):
    """Crew: submits."""
    return person("mark", "crew")


@pytest.fixture
def art(db):
    """Crew: another one."""
    return person("art", "crew")


@pytest.fixture
def dana(db):
    """A reviewer."""
    return person("dana", "reviewer")


@pytest.fixture
def alex(db):
    """Another reviewer."""
    return person("alex", "reviewer")


@pytest.fixture
def boss(db):
    """An administrator."""
    return person("boss", "admin")


def draft(**values):
    """An unsaved item with what it must have."""
    return WorkItem(**{"location": "Engine room", "description": "Valve leaks", "detail": "Replace the seal"} | values)


@pytest.fixture
def events():
    """What perf.events was told, in order: (actor, action, target, detail)."""
    heard: list[tuple] = []

    def hear(sender, signal, **said):
        heard.append((said["actor"], said["action"], said["target"], said["detail"]))

    event.connect(hear, weak=False)
    yield heard
    event.disconnect(hear)


@pytest.fixture
def item(mark):
    return submit(draft(), mark)
