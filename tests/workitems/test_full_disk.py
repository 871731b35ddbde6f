"""Photos on a disk that is full or read-only: a clear answer, nothing half there, and everything goes on afterwards."""

from __future__ import annotations

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests import disks
from tests.workitems.photo_files import picture
from workitems import photos, processing, uploads
from workitems.models import Photo, Upload

pytestmark = pytest.mark.django_db
CONTENT = picture(400, 300) + bytes(60_000)
FULL = "The server's disk is full. What arrived is kept; keep the photo and try again later."


@pytest.fixture
def disk(settings, tmp_path):
    """A small disk for what is stored."""
    with disks.mounted(tmp_path / "disk", 1_000_000) as folder:
        settings.MEDIA_ROOT = folder
        yield folder


@pytest.fixture
def phone(mark):
    client = Client()
    client.force_login(mark)
    return client


def files(disk):
    return [path.name for path in disk.rglob("*") if path.is_file() and path.name != "filler"]


def promise(phone, item):
    said = {"item": item.number, "key": "k1", "name": "IMG.jpg", "size": len(CONTENT)}
    said["sha256"] = hashlib.sha256(CONTENT).hexdigest()
    return f"/api/uploads/{phone.post('/api/uploads', said, content_type='application/json').json()['id']}"


def send(phone, address, offset=0):
    kind, headers = "application/octet-stream", {"Upload-Offset": str(offset)}
    return phone.patch(address, CONTENT[offset:], content_type=kind, headers=headers)


def refused(answer):
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize("room", [0, 20_000, len(CONTENT) + 8_000], ids=["no-room", "for-a-part", "but-for-the-photo"])
def test_upload_that_does_not_fit_is_507_and_goes_on_when_there_is_room(item, phone, disk, room):
    address = promise(phone, item)
    filler = disks.fill(disk, room)
    assert refused(send(phone, address)) == (507, FULL)
    assert not Photo.objects.exists()
    assert files(disk) in ([], [str(Upload.objects.get().pk)])  # what arrived, and no part of a photo
    assert uploads.sweep() == (0, 0)  # nor does who finishes what was left give it up
    filler.unlink()
    here = phone.get(address).json()["offset"]
    assert send(phone, address, here).json()["state"] == "stored"
    assert hashlib.sha256(Photo.objects.get().original.read()).hexdigest() == hashlib.sha256(CONTENT).hexdigest()
    assert len(files(disk)) == 1


def test_upload_to_a_read_only_disk_is_507(item, phone, disk):
    address = promise(phone, item)
    disks.make_read_only(disk)
    assert refused(send(phone, address)) == (507, FULL.replace("full", "read-only"))


def test_photo_sent_whole_leaves_nothing_on_a_full_disk(item, phone, disk):
    disks.fill(disk, 20_000)
    answer = phone.post(f"/api/workitems/{item.number}/photos", {"file": SimpleUploadedFile("a.jpg", CONTENT)})
    assert refused(answer) == (507, FULL)
    assert (files(disk), Photo.objects.count()) == ([], 0)


def test_form_keeps_the_photos_that_fit_and_names_the_other(item, phone, disk, mark):
    small = picture()
    disks.fill(disk, 60_000)
    form = {"description": item.description, "detail": item.detail, "version": 1, "key": "f"}
    sent = {"photo-1": SimpleUploadedFile("a.jpg", small), "photo-2": SimpleUploadedFile("b.jpg", CONTENT)}
    answer = phone.post(f"/workitems/{item.number}/edit/", form | sent, follow=True)
    assert f"Photo 2 (b.jpg) was not stored. {FULL}" in " ".join(map(str, answer.context["messages"]))
    assert [photo.original.size for photo in Photo.objects.all()] == [len(small)]
    assert len(files(disk)) == 1


def test_renditions_that_do_not_fit_leave_nothing_and_are_made_later(item, mark, disk):
    photo = photos.add(item, SimpleUploadedFile("a.jpg", picture(900, 700)), by=mark)
    filler = disks.fill(disk, 4096)
    assert processing.process(1) == 1
    photo.refresh_from_db()
    assert (photo.state, photo.fault, len(files(disk))) == (Photo.State.RECEIVED, "", 1)
    filler.unlink()
    Photo.objects.update(leased_until=None)  # which comes by itself
    assert processing.process(1) == 1
    photo.refresh_from_db()
    assert (photo.state, len(files(disk))) == (Photo.State.READY, 3)
