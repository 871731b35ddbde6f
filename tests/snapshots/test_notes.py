from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from project.models import AuditEntry
from snapshots.models import Note
from snapshots.note_forms import seen
from snapshots.notes import NoteChanged
from tests import factories
from tests.snapshots.worlds import TODAY, a_history, days_ago

pytestmark = pytest.mark.django_db
SCRIPT = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def editor() -> Any:
    return factories.user("editor", first_name="Edith", last_name="Tide")


@pytest.fixture
def desk(editor: Any) -> Client:
    client = Client()
    client.force_login(editor)
    return client


def a_note(by: Any, text: str = "Campaign begins") -> Note:
    return Note.write(by, account=a_history(), day=days_ago(1), text=text)


def fresh(note: Note) -> Note:
    return Note.objects.get(pk=note.pk)


@pytest.mark.both_dbs
def test_a_note_is_written_from_the_form_and_leads_to_its_account(desk: Client, editor: Any) -> None:
    account = a_history()
    address = f"/notes/new/?account=x/cdcgov&day={days_ago(1)}"
    assert f'value="{days_ago(1)}"' in desk.get(address).content.decode()
    answer = desk.post(address, {"account": "x/cdcgov", "day": days_ago(1), "text": " Campaign begins "}, follow=True)
    assert answer.redirect_chain == [("/accounts/x/cdcgov/", 302)]
    assert "Note added." in answer.content.decode()
    note = Note.objects.get()
    assert (note.account, note.day, note.text, note.author_name) == (
        account,
        days_ago(1),
        "Campaign begins",
        "Edith Tide",
    )
    entry = AuditEntry.objects.get(action="notes.add")
    assert (entry.actor, entry.detail["text"]) == (editor, "Campaign begins")


def test_a_note_may_be_about_all_accounts(desk: Client) -> None:
    desk.post("/notes/new/?account=x/cdcgov", {"account": "", "day": TODAY, "text": "x"})
    assert not Note.objects.exists()  # the address names an account that there is not
    desk.post("/notes/new/", {"account": "", "day": TODAY, "text": "Holiday"})
    assert Note.objects.get().account is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"text": ""}, "required"),
        ({"text": "x" * 281}, "at most 280"),
        ({"text": "a\x00b"}, "Null"),
        ({"day": days_ago(-1)}, "a day that has been"),
        ({"day": "yesterday"}, "valid date"),
        ({"account": "x/other"}, "Select a valid choice"),
    ],
)
def test_what_is_no_note_is_refused_with_a_reason(said: dict[str, Any], why: str, desk: Client) -> None:
    a_history()
    given = {"account": "x/cdcgov", "day": TODAY, "text": "x"} | said
    assert why in desk.post("/notes/new/?account=x/cdcgov", given).content.decode()
    refused = desk.post("/notes/new/?account=x/cdcgov", given, **SCRIPT)
    assert (refused.status_code, why in refused.json()["message"]) == (422, True)
    assert not Note.objects.exists()


def test_a_note_is_changed_and_a_change_made_meanwhile_is_not_overwritten(desk: Client, editor: Any) -> None:
    note = a_note(editor)
    said = {"day": TODAY, "text": "Campaign ends", "seen": seen(note)}
    assert desk.post(f"/notes/{note.pk}/", said).status_code == 302
    assert (fresh(note).text, fresh(note).day) == ("Campaign ends", TODAY)
    late = desk.post(f"/notes/{note.pk}/", said | {"text": "Mine"}).content.decode()
    assert "it now reads “Campaign ends”" in late
    assert "Mine" in late
    assert fresh(note).text == "Campaign ends"
    with pytest.raises(NoteChanged):
        note.rewrite(editor, day=TODAY, text="Mine")
    Note.objects.all().delete()  # as an administrator does, for good
    with pytest.raises(NoteChanged):
        note.remove(editor)


@pytest.mark.both_dbs
def test_a_deleted_note_is_shown_nowhere_and_can_be_had_back(desk: Client, editor: Any) -> None:
    note = a_note(editor)
    gone = desk.post(f"/notes/{note.pk}/delete/", follow=True)
    assert "Undo the deletion" in gone.content.decode()
    assert desk.get("/api/annotations?account=x/cdcgov").json()["data"] == []
    assert desk.post(f"/notes/{note.pk}/delete/", **SCRIPT).status_code == 409
    assert desk.post(f"/notes/{note.pk}/restore/", **SCRIPT).json() == {"message": "The note is back.", "note": note.pk}
    assert [one["note"] for one in desk.get("/api/annotations?account=x/cdcgov").json()["data"]] == [note.pk]
    assert desk.post(f"/notes/{note.pk}/restore/", **SCRIPT).status_code == 409
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"notes.delete", "notes.restore"}


def test_a_deleted_note_is_not_changed(desk: Client, editor: Any) -> None:
    note = a_note(editor)
    note.remove(editor)
    answer = desk.post(f"/notes/{note.pk}/", {"day": TODAY, "text": "Mine", "seen": seen(note)}, **SCRIPT)
    assert "was deleted" in answer.json()["message"]
    assert fresh(note).text == "Campaign begins"


def test_readers_read_notes_and_write_none(viewer: Client, editor: Any) -> None:
    note = a_note(editor)
    assert [one["text"] for one in viewer.get("/api/annotations?account=x/cdcgov").json()["data"]] == [note.text]
    assert "/notes/new/" not in viewer.get("/accounts/x/cdcgov/").content.decode()
    for address in ("/notes/new/", f"/notes/{note.pk}/", f"/notes/{note.pk}/delete/", f"/notes/{note.pk}/restore/"):
        assert viewer.post(address, {"day": TODAY, "text": "x"}).status_code == 403
    assert fresh(note).text == "Campaign begins"


def test_a_note_outlives_its_writer_and_says_who_it_was(desk: Client) -> None:
    writer = factories.user("editor", first_name="Bea")
    note = a_note(writer)
    writer.delete()
    (told,) = desk.get("/api/annotations?account=x/cdcgov").json()["data"]
    assert (told["by"], fresh(note).author) == ("Bea", None)
