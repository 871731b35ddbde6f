"""Edits of many accounts: the plan says exactly what changes, the change does that, and the undo takes it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from accounts import bulk, writing
from accounts.bulk import Wanted
from accounts.bulk_edits import BulkEdit
from accounts.models import Account, AccountTag, Organization
from perf import clock

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]
AGENCY = Wanted({"is_core": True, "is_active": False}, "Agency", ["Flu"], ["old"])


@pytest.fixture
def editor() -> User:
    return User.objects.create(username="editor")


@pytest.fixture
def five(office: Organization) -> list[Account]:
    """Five accounts; the first is already as AGENCY wants it, the others carry “old”, the second flu as well."""
    agency = Organization.objects.create(name="Agency")
    made = [Account.objects.create(organization=office, platform="x", handle=f"a{n}") for n in range(5)]
    Account.objects.filter(pk=made[0].pk).update(is_core=True, is_active=False, organization=agency)
    Account.objects.filter(pk__in=[made[0].pk, made[1].pk]).retag(None, add=["flu"])
    Account.objects.exclude(pk=made[0].pk).retag(None, add=["old"])
    return made


def state() -> dict[str, tuple[Any, ...]]:
    """What the registry says of each account, as far as an edit may change it."""
    tags = AccountTag.objects.names_of(list(Account.objects.values_list("pk", flat=True)))
    names = ("handle", "is_core", "is_active", "organization__name", "owner_team", "sensitivity")
    return {row[1]: (*row[2:], tags[row[0]]) for row in Account.objects.values_list("pk", *names)}


def apply(wanted: Wanted, by: Any) -> BulkEdit:
    edit = bulk.start(bulk.plan(Account.objects.all(), wanted), by)
    assert not bulk.go_on(edit, by)
    return edit


def test_a_plan_counts_what_changes_what_is_so_and_what_cannot_and_writes_nothing(
    five: list[Account], editor: User
) -> None:
    crowded = Account.objects.filter(pk=five[4].pk)
    crowded.retag(None, add=[f"tag {n}" for n in range(49)])
    before = state()
    made = bulk.plan(Account.objects.all(), Wanted(add=["flu"]), asked=7)
    assert (list(made.ids), made.already) == ([five[2].pk, five[3].pk], 2)
    assert made.refusals == [("no longer in the registry", 2), ("would carry more than 50 tags", 1)]
    assert made.lines[0] == (five[2].pk, {"tags": ["old"]}, {"tags": ["flu", "old"]})
    assert (state(), BulkEdit.objects.count()) == (before, 0)


def test_an_edit_does_what_its_plan_said_and_is_told_and_on_the_record(
    five: list[Account], editor: User, told: list[Any], events: list[Any]
) -> None:
    made = bulk.plan(Account.objects.all(), AGENCY)
    told.clear()
    events.clear()
    edit = apply(AGENCY, editor)
    assert (list(made.ids), made.already) == ([account.pk for account in five[1:]], 1)
    assert edit.done() == {"seen": 4, "changed": 4, "back": 0, "restored": 0}
    assert {row[:3] for row in state().values()} == {(True, False, "Agency")}
    assert {tuple(name.casefold() for name in row[-1]) for row in state().values()} == {("flu",)}
    ids = [account.pk for account in five[1:]]
    assert [(said["ids"], said["fields"]) for said in told] == [
        (ids, {"is_core", "is_active", "organization"}),
        (ids, {"tags"}),
    ]
    assert set(told[0]["old_organizations"].values()) == {five[1].organization_id}
    assert [event[1] for event in events] == ["accounts.tag", "accounts.edit_many"]
    assert events[-1][0] == editor
    assert events[-1][3]["ids"] == ids


def test_an_undo_gives_every_account_back_its_own(five: list[Account], editor: User) -> None:
    other = Organization.objects.create(name="Other")
    Account.objects.filter(pk=five[2].pk).update(organization=other, is_core=True, owner_team="Press")
    before = state()
    edit = apply(
        Wanted({"is_core": False, "owner_team": "Web", "sensitivity": "high"}, "New", ["flu"], ["old"]), editor
    )
    assert {row[2:5] for row in state().values()} == {("New", "Web", "high")}
    bulk.undo(edit, editor)
    assert not bulk.go_on(edit, editor)
    assert state() == before
    assert (edit.done()["restored"], list(bulk.kept(edit))) == (5, [])


def test_an_undo_leaves_alone_and_names_what_was_changed_since(five: list[Account], editor: User) -> None:
    edit = apply(Wanted({"is_core": True}), editor)
    Account.objects.filter(pk=five[2].pk).update(display_name="Renamed", updated_at=clock.now())
    renamed, gone = five[2].pk, five[3].pk
    five[3].delete()
    bulk.undo(edit, editor)
    bulk.go_on(edit, editor)
    assert Account.objects.filter(is_core=True).count() == 2  # the first was so before
    assert list(bulk.kept(edit)) == [renamed, gone]
    assert edit.done()["restored"] == 2


def test_an_edit_is_undone_once_and_in_time(five: list[Account], editor: User) -> None:
    edit = apply(Wanted({"is_core": True}), editor)
    old = apply(Wanted({"is_active": False}), editor)
    BulkEdit.objects.filter(pk=old.pk).update(at=clock.now() - timedelta(minutes=11))
    with pytest.raises(bulk.UndoRefused, match="older than 10 minutes"):
        bulk.undo(old, editor)
    bulk.undo(edit, editor)
    with pytest.raises(bulk.UndoRefused, match="undone already"):
        bulk.undo(edit, editor)
    assert not Account.objects.filter(is_active=True).exists()


def test_an_edit_goes_on_where_it_stopped_and_an_undo_stops_it(
    five: list[Account], editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "CHUNK", 2)
    edit = bulk.start(bulk.plan(Account.objects.all(), Wanted({"is_core": True})), editor)
    assert bulk.go_on(edit, editor, seconds=0)
    assert (edit.done()["changed"], Account.objects.filter(is_core=True).count()) == (2, 3)
    bulk.undo(edit, editor)
    assert not bulk.go_on(edit, editor)
    assert Account.objects.filter(is_core=True).count() == 1
    assert edit.done() == {"seen": 2, "changed": 2, "back": 2, "restored": 2}


def test_what_became_so_meanwhile_is_neither_changed_nor_undone(five: list[Account], editor: User) -> None:
    edit = bulk.start(bulk.plan(Account.objects.all(), Wanted({"is_active": False})), editor)
    Account.objects.filter(pk=five[1].pk).deactivate(editor)
    bulk.go_on(edit, editor)
    assert edit.done()["changed"] == 3
    bulk.undo(edit, editor)
    bulk.go_on(edit, editor)
    assert not Account.objects.get(pk=five[1].pk).is_active


def test_another_plan_has_another_digest(five: list[Account]) -> None:
    def digest(wanted: Wanted) -> str:
        return bulk.plan(Account.objects.all(), wanted).digest

    core, rest = Wanted({"is_core": True}), Wanted({"is_active": False})
    first = digest(core)
    assert first == digest(core)
    assert first != digest(rest)
    Account.objects.filter(pk=five[1].pk).update(is_core=True)
    assert first != digest(core)


def test_edits_of_yesterday_are_forgotten_with_the_next(five: list[Account], editor: User) -> None:
    old = apply(Wanted({"is_core": True}), editor)
    BulkEdit.objects.filter(pk=old.pk).update(at=clock.now() - timedelta(days=2))
    new = apply(Wanted({"is_core": False}), editor)
    assert list(BulkEdit.objects.all()) == [new]


def test_an_organisation_that_is_gone_stops_neither_an_edit_nor_its_undo(
    five: list[Account], editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "CHUNK", 3)
    lone = Organization.objects.create(name="Lone")
    Account.objects.filter(pk=five[4].pk).update(organization=lone)
    edit = bulk.start(bulk.plan(Account.objects.all(), Wanted(organization="New")), editor)
    Organization.objects.get(name="New").delete()  # nobody has it yet
    assert not bulk.go_on(edit, editor)
    assert {row[2] for row in state().values()} == {"New"}
    lone.delete()
    bulk.undo(edit, editor)
    assert not bulk.go_on(edit, editor)
    owners = {"a0": "Agency", "a1": "Office", "a2": "Office", "a3": "Office", "a4": "New"}
    assert {handle: row[2] for handle, row in state().items()} == owners
    assert list(bulk.kept(edit)) == [five[4].pk]
