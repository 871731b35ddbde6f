from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import IntegrityError, transaction
from django.test import Client

from perf import clock
from perf.events import happened
from project.models import AuditEntry, AuditLogIsAppendOnly
from tests.project.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def actions() -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "actor_name", "target"))


def test_what_happened_is_stored_with_the_actors_name(person: Callable[..., User]) -> None:
    ann = person("ann")
    happened(ann, "accounts.import", "roster.csv", {"rows": 99})
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.actor_name, entry.action, entry.target, entry.detail, entry.address) == (
        ann,
        "ann",
        "accounts.import",
        "roster.csv",
        {"rows": 99},
        None,
    )
    ann.delete()
    entry.refresh_from_db()
    assert (entry.actor, entry.actor_name) == (None, "ann")


@pytest.mark.both_dbs
def test_record_of_a_change_that_failed_is_gone_with_it() -> None:
    with transaction.atomic():
        happened(None, "accounts.import")
        assert AuditEntry.objects.exists(), "it waits for the commit, and a crash may come before it"
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


def test_entries_can_neither_be_changed_nor_removed() -> None:
    happened(None, "accounts.import")
    entry = AuditEntry.objects.get()
    entry.action = "nothing"
    for attempt in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(action="nothing"),
        lambda: AuditEntry.objects.bulk_update([entry], ["action"]),
        lambda: AuditEntry.objects.bulk_create(
            [entry], update_conflicts=True, unique_fields=["id"], update_fields=["action"]
        ),
        lambda: AuditEntry._base_manager.update(action="nothing"),
        AuditEntry._base_manager.all().delete,
    ):
        with pytest.raises(AuditLogIsAppendOnly):
            attempt()
    for attempt in (
        AuditEntry(pk=entry.pk, action="nothing").save,
        lambda: AuditEntry.objects.update_or_create({"pk": entry.pk, "action": "nothing"}, target="elsewhere"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            attempt()
    assert actions() == [("accounts.import", "", "")]


def test_sign_in_and_out_and_refusals_are_recorded_with_the_address(
    client: Client, person: Callable[..., User]
) -> None:
    person("ann", password=PASSWORD)
    client.post("/login/", {"username": "ann", "password": "wrong"}, REMOTE_ADDR="198.51.100.7")
    client.post("/login/", {"username": "ann", "password": PASSWORD}, REMOTE_ADDR="198.51.100.7")
    client.post("/logout/", REMOTE_ADDR="198.51.100.7")
    assert actions() == [
        ("auth.sign_in_failed", "", "ann"),
        ("auth.sign_in", "ann", "ann"),
        ("auth.sign_out", "ann", "ann"),
    ]
    assert set(AuditEntry.objects.values_list("address", flat=True)) == {"198.51.100.7"}


def test_lock_out_is_recorded_once_however_often_it_is_tried(client: Client) -> None:
    for _ in range(15):
        client.post("/login/", {"username": "ann", "password": "wrong"})
    recorded = [action for action, _, _ in actions()]
    assert recorded == ["auth.sign_in_failed"] * 9 + ["auth.locked_out"]  # the tenth is the one that locks


def test_new_password_is_recorded_and_never_its_text(client: Client, person: Callable[..., User]) -> None:
    ann = person("ann", password=PASSWORD)
    ann.set_password("another long phrase 43")
    ann.save()
    assert actions() == [("auth.password_changed", "ann", "ann")]
    assert "another" not in str(AuditEntry.objects.values().get())


def test_role_changes_are_recorded_from_both_sides(person: Callable[..., User]) -> None:
    ann = User.objects.create_user("ann")
    viewer, editor = Group.objects.get(name="viewer"), Group.objects.get(name="editor")
    ann.groups.add(viewer)
    editor.user_set.add(ann)
    ann.groups.remove(viewer)
    ann.groups.clear()
    ann.is_superuser = True
    ann.save()
    ann.is_active = False
    ann.save(update_fields=["is_active"])
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "target", "detail")) == [
        ("auth.role_changed", "ann", {"given": ["viewer"]}),
        ("auth.role_changed", "ann", {"given": ["editor"]}),
        ("auth.role_changed", "ann", {"taken": ["viewer"]}),
        ("auth.role_changed", "ann", {"taken": ["editor"]}),
        ("auth.role_changed", "ann", {"is_superuser": True}),
        ("auth.role_changed", "ann", {"is_active": False}),
    ]


def test_deleting_a_person_is_recorded_even_by_themselves(client: Client, person: Callable[..., User]) -> None:
    root = User.objects.create_superuser("root")
    bob = person("bob")
    client.force_login(root)
    AuditEntry.objects.all()._raw_delete("default")
    for user in (bob, root):
        client.post(f"/admin/auth/user/{user.pk}/delete/", {"post": "yes"})
    entries = AuditEntry.objects.filter(action="auth.user_deleted").order_by("pk")
    assert list(entries.values_list("actor_name", "target", "detail__themselves")) == [
        ("root", "bob", False),
        ("", "root", True),
    ]


def test_what_administrators_do_with_people_and_roles_is_recorded(client: Client) -> None:
    root = User.objects.create_superuser("root")
    client.force_login(root)
    client.post("/admin/auth/user/add/", {"username": "bob", "usable_password": "false"})
    bob = User.objects.get(username="bob")
    fields = {"username": "bob", "email": "else@example.org", "is_active": "on", "date_joined_0": "2026-01-01"}
    client.post(f"/admin/auth/user/{bob.pk}/change/", fields | {"date_joined_1": "00:00"})
    permission = Permission.objects.get(codename="view_account")
    client.post("/admin/auth/group/add/", {"name": "auditors", "permissions": [permission.pk]})
    role = Group.objects.get(name="auditors")
    client.post(f"/admin/auth/group/{role.pk}/change/", {"name": "auditors", "permissions": []})
    client.post("/admin/auth/group/", {"action": "delete_selected", "_selected_action": [role.pk], "post": "yes"})
    recorded = [entry for entry in actions() if not entry[0].startswith("auth.sign")]
    assert recorded == [
        ("auth.user_added", "root", "bob"),
        ("auth.user_changed", "root", "bob"),
        ("roles.add", "root", "auditors"),
        ("roles.changed", "root", "auditors"),
        ("roles.edit", "root", "auditors"),
        ("roles.changed", "root", "auditors"),
        ("roles.delete", "root", "1 rows"),
    ]
    assert "else@example.org" not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_administrators_read_filter_and_search_the_log_and_nobody_edits_it(
    client: Client, person: Callable[..., User]
) -> None:
    with clock.shifted(timedelta(days=-8)):
        happened(None, "accounts.import", "old.csv")
    happened(None, "auth.sign_in_failed", "mallory")
    happened(None, "cache.cleared")
    client.force_login(person("root", "admin"))
    path = "/admin/project/auditentry/"

    def listed(query: str) -> set[str]:
        text = client.get(f"{path}?{query}").content.decode()
        return {entry.action for entry in AuditEntry.objects.all() if f"{path}{entry.pk}/change/" in text}

    assert listed("") >= {"accounts.import", "auth.sign_in_failed", "cache.cleared"}
    assert "accounts.import" not in listed("days=7")
    assert listed("about=accounts") == {"accounts.import"}
    assert listed("about=the+installation") == {"cache.cleared"}
    assert listed("q=mallory") == listed("q=sign_in_failed") == {"auth.sign_in_failed"}
    assert listed("about=nothing&days=x%27") == listed("")
    before = list(AuditEntry.objects.order_by("pk").values())
    entry = before[0]["id"]
    chosen = {"action": "delete_selected", "_selected_action": [entry], "post": "yes"}
    answers = [client.post(f"{path}{entry}/{act}/", {"post": "yes"}).status_code for act in ("change", "delete")]
    assert [*answers, client.post(f"{path}add/", {"action": "x"}).status_code] == [403] * 3
    client.post(path, chosen)
    assert list(AuditEntry.objects.order_by("pk").values()) == before
    client.force_login(person("ed", "editor", "reviewer"))
    assert client.get(path).status_code == client.get(f"{path}{entry}/change/").status_code == 403
