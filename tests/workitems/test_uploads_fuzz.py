"""Broken files through the real endpoints: each is stored or refused in words, and neither leaves anything behind."""

from __future__ import annotations

import hashlib
import os

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.workitems.conftest import draft
from tests.workitems.mutations import NAMES, mutated
from workitems.models import Photo, Upload
from workitems.workflow import submit

FILES = int(os.environ.get("FILES", "400"))
"""How many are sent; `make fuzz-uploads` sends more."""
PARTS = 4  # in which they are sent, so that processes share them
AN_ITEM = 25  # how many go to one item
IN_PIECES = 5  # one of so many is promised and sent in pieces, the others whole


def send_whole(phone, item, number, content):
    name = NAMES[number % len(NAMES)] or "nameless"
    form = {"file": SimpleUploadedFile(name, content), "key": str(number)}
    done = phone.post(f"/api/workitems/{item.number}/photos", form)
    assert done.status_code in {201, 422}, (number, done.content)
    assert done.status_code == 201 or len(done.json()["error"]) > 20, number


def send_in_pieces(phone, item, number, content):
    sha256 = hashlib.sha256(content).hexdigest()
    said = {"item": item.number, "key": str(number), "name": NAMES[number % len(NAMES)], "sha256": sha256}
    told = phone.post("/api/uploads", said | {"size": len(content)}, content_type="application/json")
    assert told.status_code == (201 if content else 400), (number, told.content)
    if content:
        address, begin = f"/api/uploads/{told.json()['id']}", {"Upload-Offset": "0"}
        done = phone.patch(address, content, content_type="application/octet-stream", headers=begin)
        assert (done.status_code, done.json()["state"] in {"stored", "given_up"}) == (200, True), number


@pytest.mark.django_db
@pytest.mark.timeout(86_400)  # in `make fuzz-uploads`
@pytest.mark.parametrize("part", range(PARTS))
def test_no_broken_file_breaks_the_endpoints_or_leaves_an_orphan(part, mark, settings, tmp_path):
    settings.MEDIA_ROOT, settings.RATE_LIMITS, settings.MAX_PHOTOS = tmp_path, {}, AN_ITEM
    phone = Client(raise_request_exception=False)
    phone.force_login(mark)
    numbers = range(part, FILES, PARTS)
    for turn, number in enumerate(numbers):
        if turn % AN_ITEM == 0:
            item = submit(draft(), mark)
        (send_whole if turn % IN_PIECES else send_in_pieces)(phone, item, number, mutated(number))
    assert not Upload.objects.open().exists()
    assert not Upload.objects.filter(state="given_up", fault="").exists()
    kept = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert kept == set(Photo.objects.values_list("original", flat=True))
    assert 0.1 < len(kept) / len(numbers) < 0.9
