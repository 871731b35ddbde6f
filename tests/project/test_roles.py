from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command

from project.models import AuditEntry
from project.roles import CREW, EDITOR, REVIEWER, ROLES, SCOPES, VIEWER, Scope, sync_roles, unknown

pytestmark = pytest.mark.django_db


def declared(names: frozenset[str]) -> set[str]:
    """Those of `names` that stand in the database; test_every_permission_a_role_names_exists misses none."""
    rows = Permission.objects.values_list("content_type__app_label", "codename")
    return names & {f"{app}.{codename}" for app, codename in rows}


def test_every_permission_a_role_names_exists() -> None:
    assert unknown() == []


@pytest.mark.both_dbs
def test_migrating_gives_every_role_exactly_its_permissions() -> None:
    assert sync_roles() == []
    for role, permissions in ROLES.items():
        held = Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename")
        names = {f"{app}.{codename}" for app, codename in held}
        assert permissions is None or names == declared(permissions)
    assert Group.objects.get(name="admin").permissions.count() == Permission.objects.count()


def test_sync_takes_what_is_not_in_the_table_and_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.add(Permission.objects.get(codename="delete_account"))
    viewer.permissions.remove(Permission.objects.get(codename="view_account"))
    own = Group.objects.create(name="press office")
    own.permissions.add(Permission.objects.get(codename="delete_account"))
    call_command("sync_roles")
    assert capsys.readouterr().out.split("\n") == [
        "viewer: + accounts.view_account",
        "viewer: - accounts.delete_account",
        "",
    ]
    assert own.permissions.count() == 1
    assert AuditEntry.objects.filter(action="roles.synchronised").exists()
    call_command("sync_roles")
    assert capsys.readouterr().out == "Every role already has its permissions.\n"


def test_social_and_work_roles_share_nothing() -> None:
    assert VIEWER < EDITOR
    assert CREW < REVIEWER
    assert not EDITOR & REVIEWER
    assert not SCOPES[Scope.METRICS] & (EDITOR | REVIEWER)


def test_groups_add_up(person: Callable[..., User]) -> None:
    assert person("ann", "viewer", "crew").get_all_permissions() == declared(VIEWER | CREW)


def test_token_command_prints_the_token_alone(person: Callable[..., User], capsys: pytest.CaptureFixture[str]) -> None:
    ann = person("ann", "viewer")
    call_command("create_token", user="ann", name="Power BI", scope="read", days=30)
    printed = capsys.readouterr().out.splitlines()
    token = ann.access_tokens.get()
    assert len(printed) == 1
    assert type(token).objects.find(printed[0]) == token
    assert token.expires_at is not None
    assert AuditEntry.objects.get(action="token.created").detail == {"scope": "read"}


@pytest.mark.parametrize(("user", "days"), [("nobody", None), ("gone", None), ("ann", 0)])
def test_token_command_refuses_in_one_line(user: str, days: int | None, person: Callable[..., User]) -> None:
    from django.core.management import CommandError

    person("ann")
    person("gone", is_active=False)
    with pytest.raises(CommandError, match=r"\.$"):
        call_command("create_token", user=user, name="x", scope="read", days=days)
