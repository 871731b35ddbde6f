"""Who is asking is asked anew after every act that changes the answer, and kept after those that do not."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from perf import clock
from perf.cache import cached
from project.identities import AUTH, session_digest
from project.models import AccessToken
from tests.project.conftest import PASSWORD
from tests.test_architecture import files, name, tree

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "another long phrase 43"


class World:
    """Ann with a session and a token, an administrator's browser, and a stranger whose identity is cached too."""

    def __init__(self, person: Callable[..., User]) -> None:
        self.person = person
        self.ann = person("ann", "viewer", password=PASSWORD)
        self.viewers = Group.objects.get(name="viewer")
        self.permission = Permission.objects.get(codename="view_account")
        self.browser, self.root = Client(), Client()
        self.root.force_login(person("root", is_superuser=True, is_staff=True))
        self.browser.force_login(self.ann)
        self.browser.get("/tokens/")  # which notes when the session was seen
        self.session = Session.objects.get(pk=self.browser.session.session_key)
        self.token, _ = AccessToken.objects.make(self.ann, "script", "read")
        self.credentials = {
            "session": session_digest(self.session.session_key),
            "token": self.token.hash,
            "stranger's": session_digest("a stranger's session"),
        }

    def asked_anew(self) -> set[str]:
        """Whose identity was not in the cache; all of them are afterwards."""
        return {
            whose
            for whose, credential in self.credentials.items()
            if cached(AUTH.of(credential), f"auth:{credential}", lambda: b"somebody").state == "MISS"
        }

    def save(self, row: Any, *, only: bool = False, **fields: Any) -> None:
        for field, value in fields.items():
            setattr(row, field, value)
        row.save(**({"update_fields": list(fields)} if only else {}))

    def change_own_password(self) -> None:
        passwords = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        assert self.browser.post("/password/", passwords).status_code == 302

    def deactivate_in_the_admin(self) -> None:
        page = self.root.get(f"/admin/auth/user/{self.ann.pk}/change/")
        values = {field.html_name: field.value() for field in page.context["adminform"].form if field.value()}
        for moment in ("last_login", "date_joined"):
            values[f"{moment}_0"], values[f"{moment}_1"] = values.pop(moment).strftime("%Y-%m-%d %H:%M:%S").split()
        del values["is_active"]
        assert self.root.post(page.request["PATH_INFO"], values).status_code == 302
        self.ann.refresh_from_db()
        assert not self.ann.is_active

    def lose_and_regain_the_roles_permissions(self) -> None:
        Group.permissions.through.objects.all().delete()  # as no code of ours does
        assert self.asked_anew() == set()
        call_command("sync_roles", verbosity=0)

    def clear_away_expired(self) -> None:
        with clock.shifted(-timedelta(days=60)):
            store = SessionStore()
            store.set_expiry(clock.now())
            store.create()
        Session.objects.filter(expire_date__lt=clock.now()).delete()

    def end_early(self) -> None:
        self.save(self.session, expire_date=clock.now() - timedelta(seconds=1))


@pytest.fixture
def world(person: Callable[..., User], django_capture_on_commit_callbacks: Any) -> World:
    with django_capture_on_commit_callbacks(execute=True):
        world = World(person)
    assert world.asked_anew() == EVERYONE
    return world


SESSION, TOKEN, EVERYONE, NOBODY = {"session"}, {"token"}, {"session", "token", "stranger's"}, set[str]()
ACTS: dict[str, tuple[set[str], Callable[[World], Any]]] = {
    "sign out": (SESSION, lambda w: w.browser.post("/logout/")),
    "delete the session": (SESSION, lambda w: w.session.delete()),
    "delete sessions in bulk": (SESSION, lambda w: Session.objects.filter(pk=w.session.pk).delete()),
    "end the session early": (SESSION, World.end_early),
    "give the session a new key": (SESSION, lambda w: w.browser.session.cycle_key()),
    "revoke the token": (TOKEN, lambda w: w.browser.post(f"/tokens/{w.token.pk}/revoke/")),
    "revoke tokens in the admin": (
        TOKEN,
        lambda w: w.root.post("/admin/project/accesstoken/", {"action": "revoke", "_selected_action": w.token.pk}),
    ),
    "end the token early": (TOKEN, lambda w: w.save(w.token, expires_at=clock.now())),
    "delete the token": (TOKEN, lambda w: w.token.delete()),
    "change one's password": (EVERYONE, World.change_own_password),
    "deactivate in the admin": (EVERYONE, World.deactivate_in_the_admin),
    "deactivate": (EVERYONE, lambda w: w.save(w.ann, only=True, is_active=False)),
    "make a superuser": (EVERYONE, lambda w: w.save(w.ann, is_superuser=True)),
    "delete the person": (EVERYONE, lambda w: User.objects.filter(pk=w.ann.pk).delete()),
    "give a role": (EVERYONE, lambda w: w.ann.groups.add(Group.objects.get(name="editor"))),
    "take a role": (EVERYONE, lambda w: w.viewers.user_set.remove(w.ann)),
    "take all roles": (EVERYONE, lambda w: w.ann.groups.clear()),
    "give a permission": (EVERYONE, lambda w: w.ann.user_permissions.add(w.permission)),
    "take a role's permission": (EVERYONE, lambda w: w.viewers.permissions.remove(w.permission)),
    "delete a role": (EVERYONE, lambda w: Group.objects.filter(name="viewer").delete()),
    "delete a permission": (EVERYONE, lambda w: w.permission.delete()),
    "rename a permission": (EVERYONE, lambda w: w.save(w.permission, codename="see_account")),
    "synchronise the roles": (EVERYONE, World.lose_and_regain_the_roles_permissions),
    "sign in elsewhere": (NOBODY, lambda w: Client().post("/login/", {"username": "ann", "password": PASSWORD})),
    "note a sign-in": (NOBODY, lambda w: w.save(w.ann, only=True, last_login=clock.now())),
    "use the token": (NOBODY, lambda w: w.token.touch()),
    "read a page": (NOBODY, lambda w: w.browser.get("/tokens/")),
    "make a token": (NOBODY, lambda w: AccessToken.objects.make(w.ann, "another", "read")),
    "make a person and a role": (NOBODY, lambda w: (w.person("bob"), Group.objects.create(name="guests"))),
    "give a role one has": (NOBODY, lambda w: w.ann.groups.add(w.viewers)),
    "clear expired sessions away": (NOBODY, World.clear_away_expired),
}


@pytest.mark.parametrize("act", ACTS)
def test_those_are_asked_anew_whom_an_act_concerns_and_no_others(
    act: str, world: World, django_capture_on_commit_callbacks: Any
) -> None:
    concerned, do = ACTS[act]
    with django_capture_on_commit_callbacks(execute=True):
        do(world)
    assert world.asked_anew() == concerned
    assert world.asked_anew() == NOBODY


def test_an_open_act_keeps_everyone_asked_and_one_rolled_back_no_longer(world: World) -> None:
    with transaction.atomic():
        world.save(world.ann, is_active=False)
        assert [world.asked_anew(), world.asked_anew()] == [EVERYONE, EVERYONE]
        transaction.set_rollback(True)
    assert [world.asked_anew(), world.asked_anew()] == [EVERYONE, NOBODY]


def test_everyone_is_asked_anew_when_whoever_acted_was_killed(world: World) -> None:
    with transaction.atomic():  # whose commit never comes
        world.ann.groups.clear()
        with clock.shifted(timedelta(seconds=61)):
            assert [world.asked_anew(), world.asked_anew()] == [EVERYONE, NOBODY]


def test_a_password_that_cannot_be_recorded_is_not_changed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("project.views.messages.success", fail)
    with pytest.raises(RuntimeError):
        world.change_own_password()
    world.ann.refresh_from_db()
    assert world.ann.check_password(PASSWORD)


SILENT = {"update", "bulk_create", "bulk_update", "_raw_delete", "aupdate", "abulk_create", "abulk_update"}
ROWS = re.compile(
    r"\b(User|TokenUser|Group|Permission|Session|AccessToken(QuerySet)?|get_user_model)\b"
    r"|\.(user_set|groups|user_permissions|permissions|access_tokens)\b"
)
TABLES = re.compile(r"\b(auth_user|auth_group|auth_permission|django_session|project_accesstoken)\b")
KNOWN = {
    "project/models.py AccessToken touch": "notes a use, which changes nobody's rights",
    "project/models.py AccessToken revoke": "forgets by itself",
    "project/backups/rows.py": "loads a backup, after which restore empties the cache",
    "perf/benchmarks.py _groups": "makes groups that nobody is in, and rolls them back",
}


def silent_writes(node: ast.AST, place: str) -> Iterator[str]:
    """Where people, roles, permissions, sessions or tokens are written in a way that sends no signal."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        place = f"{place} {node.name}"
    silent = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SILENT
    if silent and ROWS.search(f"{place} {ast.unparse(node.func.value)}"):
        yield place
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and TABLES.search(node.value):
        yield place
    for child in ast.iter_child_nodes(node):
        yield from silent_writes(child, place)


def test_nothing_writes_identities_behind_the_signals_back() -> None:
    assert {place for path in files() for place in silent_writes(tree(path), name(path))} == KNOWN.keys()
