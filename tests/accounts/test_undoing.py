"""Taking an import of a roster back: exactly what it did, and nothing that somebody has changed since."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from accounts.importing import import_roster
from accounts.models import Account, AccountTag, Organization, RosterChange, RosterImport, Tag
from accounts.rosters import read_roster
from accounts.states import states_of
from accounts.undoing import UndoRefused, undo
from perf import clock
from snapshots.notes import Note
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]
ROSTER = """Platform,Handle,Organization,Core,Tags
X,old,Harbour,yes,tides; news
X,same,Office,,
YouTube,fresh,Harbour,,news
X,counted,Harbour,,
"""


@pytest.fixture
def world(db):
    """An account that the roster changes and one that it finds as it says; the roster's import."""
    office = factories.organization("Office")
    factories.account("x", "old", organization=office, url="https://x.com/old")
    factories.account("x", "same", organization=office, url="https://x.com/same")
    Account.objects.filter(handle="old").retag(None, add=["kept"])
    before = everything()
    return before, import_roster(read_roster(ROSTER), by=None, name="spring.csv").batch


def everything():
    """How all accounts are, as far as people set it."""
    return states_of(list(Account.objects.values_list("pk", flat=True)))


def at(handle):
    return Account.objects.get(handle=handle)


def test_everything_is_again_as_it_was(world, told):
    before, batch = world
    told.clear()
    done = undo(batch, None)
    assert everything() == before
    assert done.counts == {"removed": 2, "deactivated": 0, "restored": 1, "kept": 0}
    assert list(Organization.objects.values_list("name", flat=True)) == ["Office"]
    assert list(Tag.objects.values_list("name", flat=True)) == ["kept"]
    assert [len(one["ids"]) for one in told if one["fields"] == {"deleted"}] == [2]  # together, not one by one


def test_an_account_with_a_figure_is_switched_off_and_keeps_it(world):
    _, batch = world
    figure = factories.snapshot(at("counted"))
    done = undo(batch, None)
    assert done.deactivated == [at("counted").pk]
    assert not at("counted").is_active
    figure.refresh_from_db()
    assert Organization.objects.filter(name="Harbour").exists()  # it still owns that account


def test_an_account_with_a_note_is_switched_off_and_keeps_it(world):
    _, batch = world
    note = Note.write(factories.user("editor"), account=at("fresh"), day=clock.today(), text="Storm")
    done = undo(batch, None)
    assert done.deactivated == [at("fresh").pk]
    note.refresh_from_db()
    assert note.account_id == at("fresh").pk


def test_what_somebody_changed_since_stays_and_is_named(world):
    _, batch = world
    old, fresh = at("old"), at("fresh")
    old.organization = factories.organization("Elsewhere")
    old.save()
    fresh.owner_team = "Press"
    fresh.save()
    done = undo(batch, None)
    assert done.kept == {old.pk: "organization: changed since the import", fresh.pk: "changed since the import"}
    assert at("old").organization.name == "Elsewhere"
    assert not at("old").is_core  # put back: nobody had touched it
    assert AccountTag.objects.names_of([old.pk])[old.pk] == ["kept"]
    assert at("fresh").is_active
    batch.refresh_from_db()
    assert dict(batch.undoing["names"])["fresh"] == "changed since the import"


def test_undoing_is_audited_with_what_it_did(world, events):
    _, batch = world
    by = factories.user("editor")
    events.clear()
    undo(batch, by)
    assert [(actor, action, detail["removed"]) for actor, action, _, detail in events] == [
        (by, "accounts.undo_import", 2)
    ]


def test_an_import_is_undone_once_and_within_a_day(world):
    _, batch = world
    with clock.shifted(timedelta(hours=24)), pytest.raises(UndoRefused, match="more than 24 hours old"):
        undo(batch, None)
    undo(batch, None)
    with pytest.raises(UndoRefused, match="undone already"):
        undo(batch, None)


def test_a_second_import_of_the_same_account_is_not_taken_back_by_the_first(world):
    _, batch = world
    import_roster(read_roster("Platform,Handle,Organization\nX,old,Third\n"), by=None)
    undo(batch, None)
    assert at("old").organization.name == "Third"


def test_an_account_that_is_gone_is_no_obstacle(world):
    _, batch = world
    at("fresh").delete()
    assert undo(batch, None).counts["removed"] == 1
    assert not RosterChange.objects.filter(account__handle="fresh").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("sqlite" in connection.vendor, reason="one writer at a time")
def test_of_two_that_undo_at_once_one_is_refused(transactional_db):
    batch = import_roster(read_roster("x.com/one\nx.com/two\n"), by=None).batch
    barrier, ends = Barrier(2), []

    def press():
        try:
            barrier.wait(5)
            ends.append(undo(RosterImport.objects.get(pk=batch.pk), None).counts["removed"])
        except UndoRefused as refusal:
            ends.append(str(refusal))
        finally:
            connection.close()

    threads = [Thread(target=press) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]
    assert sorted(map(str, ends)) == ["2", "This import was undone already."]
    assert not Account.objects.exists()
