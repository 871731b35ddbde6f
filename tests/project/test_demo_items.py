"""The demo's work items: every state has one, and forgetting leaves none."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from project import demo, demo_items
from project.models import AuditEntry
from tests import factories
from tests.workitems.conftest import draft
from workitems.models import Photo, StatusTotal, WorkItem
from workitems.tasks import process_photos
from workitems.workflow import Status, submit

pytestmark = pytest.mark.django_db


def test_every_state_has_a_demo_item_and_forgetting_leaves_nothing_of_them(
    settings: Any, tmp_path: Any, monkeypatch: Any
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    monkeypatch.setattr(demo_items, "photograph", _small)
    factories.user("crew")  # makes the roles
    assert demo_items.seed_items() == len(demo_items.STORIES)
    assert demo_items.seed_items() == 0
    assert set(WorkItem.objects.values_list("status", flat=True)) == set(Status.values)
    sent_back = WorkItem.objects.get(description__startswith="Bilge alarm")
    assert sent_back.revision_notes.startswith("Photo 1 is blurred")
    assert (sent_back.photo_count, Photo.objects.filter(work_item=sent_back).count()) == (2, 2)
    assert sent_back.status_changes.latest("changed_at").new_status == "needs_revision"
    assert not any(user.has_usable_password() for user in demo_items.people())
    own = submit(draft(), factories.user("crew"))
    assert demo.belongings()["work items of the demo"] == len(demo_items.STORIES)
    demo.forget()
    assert list(WorkItem.objects.all()) == [own]
    assert not User.objects.filter(username__startswith=demo_items.MARK).exists()
    assert dict(StatusTotal.objects.exclude(items=0).values_list("status", "items")) == {"submitted": 1}
    assert AuditEntry.objects.get(action="demo.forget").detail["people of the demo"] == len(demo_items.PEOPLE)


def _small(words: str, **_: Any) -> bytes:
    from tests.workitems.photo_files import picture

    return picture(shade=sum(map(ord, words)) % 250)


def test_photos_of_the_demo_are_worked_on_at_once(
    settings: Any, tmp_path: Any, monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    monkeypatch.setattr(demo_items, "photograph", _small)
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(process_photos, "apply_async", lambda *_, **options: sent.append(options))
    factories.user("crew")
    with django_capture_on_commit_callbacks(execute=True):
        demo_items.seed_items()
    assert [options["queue"] for options in sent] == ["images"]
