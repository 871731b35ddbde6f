"""A person is handed all that is kept about them, and nothing that opens a door or is another's."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.test import Client

from project.models import AccessToken
from tests import factories
from tests.workitems.photo_files import picture
from workitems import photos
from workitems.models import WorkItem
from workitems.reviewing import comment

pytestmark = pytest.mark.django_db


def rows(file: zipfile.ZipFile, kind: str) -> Any:
    return json.loads(file.read(f"rows/{kind}.json"))


def test_export_holds_what_is_the_persons_and_no_secret(person: Callable[..., User], tmp_path: Path) -> None:
    ann, bo = person("ann", "crew", email="ann@mail.example"), person("bo", "reviewer")
    Client().force_login(ann)
    _, secret = AccessToken.objects.make(ann, "laptop", "crew")
    mine, theirs = factories.item(ann), factories.item(bo)
    WorkItem.objects.filter(pk=mine.pk).update(internal_notes="of reviewers")
    comment(mine, "Mine", by=ann)
    comment(mine, "Theirs", by=bo)
    photo = photos.add(mine, ContentFile(picture(), "a.jpg"), by=ann)
    call_command("export_person", "ann", output=tmp_path / "ann.zip")
    with zipfile.ZipFile(tmp_path / "ann.zip") as file:
        assert [row["number"] for row in rows(file, "workitems.WorkItem")] == [mine.number] != [theirs.number]
        assert [row["text"] for row in rows(file, "workitems.Comment")] == ["Mine"]
        assert [row["email"] for row in rows(file, "auth.User")] == ["ann@mail.example"]
        assert {"auth.sign_in", "person.exported"} <= {row["action"] for row in rows(file, "project.AuditEntry")}
        assert file.read(f"photos/{photo.pk}.jpg") == picture()
        said = b"".join(map(file.read, file.namelist()))
    for hidden in (b"of reviewers", secret.encode(), ann.password.encode(), AccessToken.objects.get().hash.encode()):
        assert hidden not in said
    assert (tmp_path / "ann.zip").stat().st_mode & 0o777 == 0o600


def test_export_overwrites_no_file_and_knows_whom_it_means(person: Callable[..., User], tmp_path: Path) -> None:
    person("ann")
    (tmp_path / "ann.zip").write_text("kept")
    with pytest.raises(CommandError, match="exists already"):
        call_command("export_person", "ann", output=tmp_path / "ann.zip")
    with pytest.raises(CommandError, match="Nobody is called"):
        call_command("export_person", "nobody", output=tmp_path / "x.zip")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["ann.zip"]
    assert (tmp_path / "ann.zip").read_text() == "kept"
