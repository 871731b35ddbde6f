"""What follows a stored photo: a hint to the workers, without which nothing is lost."""

from __future__ import annotations

import logging

import pytest

from perf import hints
from tests.workitems.photo_files import photo_file
from workitems.models import Photo
from workitems.tasks import process_photos


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.mark.usefixtures("media")
@pytest.mark.django_db(transaction=True)
def test_a_photo_is_stored_while_nobody_takes_hints(item, client, monkeypatch, caplog):

    def refuse(*args, **options):
        raise ConnectionRefusedError("no broker")

    monkeypatch.setattr(process_photos, "apply_async", refuse)
    client.force_login(item.submitter)
    with caplog.at_level(logging.WARNING):
        form = {"description": item.description, "detail": item.detail, "version": 1, "photo-1": photo_file()}
        answer = client.post(f"/workitems/{item.number}/edit/", form)
    assert (answer.status_code, Photo.objects.get().state) == (302, Photo.State.RECEIVED)
    assert "no broker" in caplog.text
    hints._breaker.succeeded()
