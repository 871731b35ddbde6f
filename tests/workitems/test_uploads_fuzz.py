"""Broken files through the real endpoint: each is stored or refused in words, and neither leaves anything behind."""

from __future__ import annotations

import hashlib
import os

import pytest
from django.test import Client

from tests.workitems.mutations import NAMES, mutated
from workitems.models import Photo, Upload

FILES = int(os.environ.get("FILES", "25"))
"""How many are sent; `make fuzz-uploads` sends more."""


@pytest.mark.django_db
@pytest.mark.timeout(86_400)  # in `make fuzz-uploads`
def test_no_broken_file_breaks_the_endpoint_or_leaves_an_orphan(item, mark, settings, tmp_path):
    settings.MEDIA_ROOT, settings.MAX_PHOTOS = tmp_path, FILES
    phone = Client(raise_request_exception=False)
    phone.force_login(mark)
    for number in range(FILES):
        content = mutated(number)
        sha256 = hashlib.sha256(content).hexdigest()
        said = {"item": item.number, "key": str(number), "name": NAMES[number % len(NAMES)], "sha256": sha256}
        told = phone.post("/api/uploads", said | {"size": len(content)}, content_type="application/json")
        assert told.status_code == (201 if content else 400), (number, told.content)
        if content:
            address, begin = f"/api/uploads/{told.json()['id']}", {"Upload-Offset": "0"}
            done = phone.patch(address, content, content_type="application/octet-stream", headers=begin)
            assert (done.status_code, done.json()["state"] in {"stored", "given_up"}) == (200, True), number
    assert not Upload.objects.open().exists()
    assert not Upload.objects.filter(state="given_up", fault="").exists()
    kept = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert kept == set(Photo.objects.values_list("original", flat=True))
