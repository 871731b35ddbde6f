"""Whoever is erased is named nowhere any more, and nobody else's name or work is touched."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import models
from django.test import Client
from PIL import Image

from accounts.models import Organization
from perf.cache import cached
from perf.events import happened
from project import erasing
from project.models import AccessToken, AuditEntry, Invitation
from project.sweeping import NAMES_OF_THINGS, NOT_SEARCHED, searched, texts_of
from snapshots.cache import NOTES
from tests import factories
from tests.project import leftovers
from workitems import keeping, photos, processing
from workitems.models import Contact, Document, Photo, WorkItem
from workitems.reviewing import comment
from workitems.workflow import Status, move

pytestmark = pytest.mark.django_db
LOGIN, FIRST, LAST, MAIL, PHONE = "qzumbrow", "Quillon", "Zumbrow", "q.zumbrow@mail.example", "+491729988776"
NAMED = ("zumbrow", "quillon", PHONE[1:])
WORDS = f"{PHONE} | {LOGIN} | {FIRST} {LAST} | {MAIL} | {LAST}, {FIRST} | 0049 172 998 87-76 | {FIRST.upper()}  {LAST}"

WRITTEN_BY_PEOPLE = {
    "accounts.Account": "owner_team category",
    "accounts.BulkEdit": "wanted",
    "accounts.BulkEditPart": "before kept",
    "accounts.RosterChange": "before after",
    "accounts.RosterImport": "name content lines",
    "project.AccessToken": "name",
    "project.AuditEntry": "actor_name target detail",
    "project.Invitation": "email phone",
    "scraping.Alert": "detail",
    "scraping.Notice": "address",
    "snapshots.ExportJob": "filters",
    "snapshots.ImportBatch": "name",
    "snapshots.Note": "text author_name",
    "workitems.CannedReason": "text",
    "workitems.Comment": "text author_name",
    "workitems.Contact": "phone",
    "workitems.Decision": "reason by_name",
    "workitems.Document": "name",
    "workitems.Notice": "address words by_name",
    "workitems.Photo": "original_name caption verdict_reason verdict_by_name uploaded_by_name",
    "workitems.PhotoRestoration": "removed_by_name by_name",
    "workitems.PhotoVerdict": "reason by_name",
    "workitems.PresetNumber": "title",
    "workitems.Revision": "changes changed_by_name",
    "workitems.StatusChange": "changed_by_name reviewer_name reason",
    "workitems.Upload": "name caption created_by_name",
    "workitems.WorkItem": "location equipment description detail ofm submitter_name assigned_to_name reviewer_name"
    " revision_notes internal_notes last_modified_by_name claimed_by_name captions",
}
"""What people write, or is copied of it: no exception from the search may be of these."""


def camera_photo() -> bytes:
    """A JPEG that says where it was taken and by whom, lying on its side."""
    told, held = Image.Exif(), io.BytesIO()
    told[0x0112], told[0x013B] = 6, f"{FIRST} {LAST}"
    told.get_ifd(0x8825)[1], told.get_ifd(0x8825)[2] = "N", (51.0, 30.0, 0.0)
    Image.new("RGB", (64, 48), (120, 40, 90)).save(held, "JPEG", exif=told, comment=f"by {LOGIN}".encode())
    return held.getvalue()


@pytest.fixture
def quillon(person: Callable[..., User]) -> User:
    person("root", "admin")
    user = person(LOGIN, "reviewer", password="x", first_name=FIRST, last_name=LAST, email=MAIL)
    Contact.objects.create(user=user, phone=PHONE)
    return user


def named() -> dict[str, str]:
    """Where the person is named, and what is said there."""
    return {place: text[:500] for place, text in leftovers.everything() if any(word in text.lower() for word in NAMED)}


def erase(user: User, capture: Any, **options: Any) -> erasing.Erasure:
    with capture(execute=True):
        return erasing.erase(user, by=None, **options)


def test_every_exception_from_the_search_is_of_a_column_that_there_is() -> None:
    listed, known = NOT_SEARCHED.keys() | NAMES_OF_THINGS, set[str]()
    for model in apps.get_models():
        known |= {model._meta.app_label, model._meta.label}
        known |= {f"{model._meta.label}.{column.name}" for column in texts_of(model)}
    assert listed <= known, "an exception for what is not there"


def test_what_people_write_is_searched() -> None:
    found = {model._meta.label: {column.name for column in columns} for model, columns in searched()}
    missed = {label: set(names.split()) - found.get(label, set()) for label, names in WRITTEN_BY_PEOPLE.items()}
    assert {label: names for label, names in missed.items() if names} == {}


def test_every_row_that_would_go_with_a_person_is_listed() -> None:
    going = {
        model._meta.label
        for model in apps.get_models()
        for column in model._meta.concrete_fields
        if column.related_model is User and column.remote_field.on_delete is models.CASCADE
    }
    assert going == erasing.OWN.keys() | erasing.KEPT.keys()


@pytest.mark.both_dbs
def test_nobody_is_named_in_any_row_file_or_cached_answer_afterwards(
    quillon: User, django_capture_on_commit_callbacks: Any
) -> None:
    cached(NOTES, "a", WORDS.encode)
    browser = Client()
    browser.force_login(quillon)
    begun = browser.session.session_key
    item = photographed(quillon, django_capture_on_commit_callbacks)
    leftovers.plant(WORDS, f"{FIRST} {LAST}", quillon)
    assert {"workitems_workitem", "workitems_comment", "cache", "auth_user"} <= named().keys()

    done = erase(quillon, django_capture_on_commit_callbacks)

    assert named() == {}
    assert browser.get("/workitems/").status_code == 302, "the session goes on"
    assert not Session.objects.filter(session_key=begun).exists()
    item.refresh_from_db()
    assert (item.submitter_name, item.detail) == (done.pseudonym, f"Ask {done.pseudonym} or {done.pseudonym}")
    assert AuditEntry.objects.filter(action="person.erased", target=done.pseudonym).exists()
    assert item.comments.count() == 1
    assert not done.warnings


def photographed(user: User, capture: Any) -> WorkItem:
    """A completed item of `user`, with a photo, a comment and its Word file."""
    item = factories.item(user, detail=f"Ask {FIRST} {LAST} or {MAIL.upper()}")
    with capture(execute=True):
        photo = photos.add(item, ContentFile(camera_photo(), "x.jpg"), by=user, name=f"{LOGIN}_1.jpg")
    processing.process(1)
    Photo.objects.filter(pk=photo.pk).update(latitude=51.5, longitude=0.1)
    comment(item, f"{FIRST} {LAST} was here", by=user)
    item.refresh_from_db()
    for status in (Status.IN_REVIEW, Status.COMPLETED_REVIEW):
        move(item, status, by=user, version=item.version)
    assert keeping.make_due(5.0) == 1
    return item


def test_photos_keep_their_picture_and_lose_where_it_was_taken(
    quillon: User, django_capture_on_commit_callbacks: Any
) -> None:
    item = photographed(quillon, django_capture_on_commit_callbacks)
    before = Photo.objects.get(work_item=item)
    picture = Image.open(io.BytesIO(before.original.read())).tobytes()

    erase(quillon, django_capture_on_commit_callbacks)

    after = Photo.objects.get(pk=before.pk)
    cleaned = Image.open(io.BytesIO(after.original.read()))
    assert (after.latitude, after.longitude, after.original_name) == (None, None, "photo.jpg")
    assert (cleaned.tobytes(), dict(cleaned.getexif())) == (picture, {0x0112: 6})
    assert after.sha256 != before.sha256
    assert not before.original.storage.exists(str(before.original.name))
    assert after.rendition.storage.exists(str(after.rendition.name))
    assert Document.objects.get(work_item=item).file.read()[:2] == b"PK"


def test_what_was_the_persons_alone_is_gone(quillon: User, django_capture_on_commit_callbacks: Any) -> None:
    AccessToken.objects.make(quillon, "laptop", "read")
    AccessAttempt.objects.create(username=LOGIN.upper(), ip_address="192.0.2.9", failures_since_start=1)
    Invitation.objects.create(role="crew", email=MAIL, phone=PHONE, hash="1" * 64, used_by=quillon)
    done = erase(quillon, django_capture_on_commit_callbacks)
    quillon.refresh_from_db()
    assert (quillon.username, quillon.is_active, quillon.has_usable_password()) == (done.pseudonym, False, False)
    assert done.deleted["project.AccessToken"] == done.deleted["axes.AccessAttempt"] == 1
    for rows in (AccessToken.objects, Contact.objects, AccessAttempt.objects, quillon.groups):
        assert not rows.exists()


def test_where_failed_sign_ins_came_from_is_gone(quillon: User, django_capture_on_commit_callbacks: Any) -> None:
    for _ in range(10):
        Client().post("/login/", {"username": LOGIN, "password": "wrong"}, REMOTE_ADDR="192.0.2.9")
    erase(quillon, django_capture_on_commit_callbacks)
    assert AuditEntry.objects.filter(action="auth.locked_out").exists()
    assert "192.0.2.9" not in str(list(AuditEntry.objects.values()))


def test_names_of_other_people_and_words_of_the_product_stay(
    person: Callable[..., User], django_capture_on_commit_callbacks: Any
) -> None:
    person("root", "admin")
    crew = person("crew", "crew")  # a login that is a role's name as well
    other = person("crew_2", "crew", first_name="Ann", last_name="Crewe")
    item = factories.item(crew, detail="The crew of crew_2 is aboard; ask the crew.")
    theirs = factories.item(other)
    happened(other, "auth.role_changed", "crew_2", {"given": ["crew"], "by": "crew"})
    done = erase(crew, django_capture_on_commit_callbacks)
    item.refresh_from_db()
    theirs.refresh_from_db()
    assert (item.submitter_name, item.detail) == (done.pseudonym, "The crew of crew_2 is aboard; ask the crew.")
    assert theirs.submitter_name == "Ann Crewe"
    told = AuditEntry.objects.get(actor=other, action="auth.role_changed")
    assert (told.target, told.detail) == ("crew_2", {"given": ["crew"], "by": done.pseudonym})


def test_dry_run_says_what_would_be_done_and_changes_nothing(quillon: User, capsys: pytest.CaptureFixture[str]) -> None:
    factories.item(quillon)
    Organization.objects.create(name=f"{FIRST} {LAST} GmbH")
    before = sorted(leftovers.everything())
    call_command("erase_person", LOGIN, "--dry-run")
    said = capsys.readouterr().out
    assert sorted(leftovers.everything()) == before
    assert "1 renamed in workitems.WorkItem" in said
    assert "1 left in accounts.Organization.name" in said


def test_erasing_twice_is_erasing_once(quillon: User, django_capture_on_commit_callbacks: Any) -> None:
    done = erase(quillon, django_capture_on_commit_callbacks)
    before = AuditEntry.objects.count()
    call_command("erase_person", done.pseudonym, "--yes")
    assert AuditEntry.objects.count() == before
    with pytest.raises(CommandError, match="Nobody is called"):
        call_command("erase_person", LOGIN, "--yes")


def test_an_erasure_that_fails_changes_nothing(
    quillon: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    item = photographed(quillon, django_capture_on_commit_callbacks)
    before, original = WorkItem.objects.values().get(pk=item.pk), Photo.objects.get(work_item=item).original.name

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("project.erasing.files.expire_bundles", fail)
    with pytest.raises(RuntimeError):
        erasing.erase(quillon, by=None)
    photo = Photo.objects.get(work_item=item)
    assert WorkItem.objects.values().get(pk=item.pk) == before
    assert User.objects.filter(username=LOGIN, is_active=True).exists()
    assert (photo.original.name, photo.original.storage.exists(str(original))) == (original, True)


def test_the_last_administrator_cannot_be_erased(person: Callable[..., User]) -> None:
    with pytest.raises(erasing.NotErased, match="Nobody else may administer"):
        erasing.erase(person("root", "admin"), by=None)


def test_a_name_given_beside_the_known_ones_goes_too(quillon: User, django_capture_on_commit_callbacks: Any) -> None:
    item = factories.item(quillon, detail="Quill saw it; a quill pen did not.")
    done = erase(quillon, django_capture_on_commit_callbacks, also=["Quill saw"])
    item.refresh_from_db()
    assert item.detail == f"{done.pseudonym} it; a quill pen did not."
