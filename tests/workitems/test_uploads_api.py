"""Uploads over HTTP: pieces, offsets and refusals, as a device meets them."""

from __future__ import annotations

import hashlib
import uuid

import pytest
from django.test import Client

from tests.workitems.conftest import draft
from tests.workitems.photo_files import NO_PICTURE, picture
from workitems.models import Photo, Upload, WorkItem
from workitems.workflow import submit

pytestmark = pytest.mark.django_db
CONTENT = picture(400, 300)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    """A storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def phone(mark):
    """Mark's browser."""
    client = Client()
    client.force_login(mark)
    return client


def promise(phone, of, content=CONTENT, **more):
    sha256 = hashlib.sha256(content).hexdigest()
    said = {"item": of.number, "key": "k1", "name": "IMG.jpg", "size": len(content), "sha256": sha256} | more
    return phone.post("/api/uploads", said, content_type="application/json")


def send(phone, address, piece, offset):
    kind = "application/octet-stream"
    return phone.patch(address, piece, content_type=kind, headers={"Upload-Offset": str(offset)})


def test_a_photo_goes_in_pieces_and_each_answer_says_how_far_it_is(item, phone):
    told = promise(phone, item)
    address = f"/api/uploads/{told.json()['id']}"
    assert (told.status_code, told.json()["offset"], told.json()["state"]) == (201, 0, "open")
    assert send(phone, address, CONTENT[:1000], 0).headers["Upload-Offset"] == "1000"
    head = phone.head(address)
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("1000", str(len(CONTENT)))
    elsewhere = send(phone, address, CONTENT, 0)
    assert (elsewhere.status_code, elsewhere.json()["offset"]) == (409, 1000)
    done = send(phone, address, CONTENT[1000:], 1000).json()
    assert (done["state"], done["photo"], done["offset"]) == ("stored", Photo.objects.get().pk, len(CONTENT))
    again = promise(phone, item)
    assert (again.status_code, again.json()) == (200, phone.get(address).json())


def test_each_refusal_has_its_status_and_a_sentence(item, phone, settings, art):
    assert promise(phone, item, sha256="x").json()["fields"].keys() == {"sha256"}
    assert promise(phone, item, caption="x" * 501).status_code == 400
    assert promise(phone, item, replaces=9).status_code == 404
    assert promise(phone, item, item="none").status_code == 404
    assert promise(phone, item, size=settings.MAX_PHOTO_BYTES + 1).status_code == 413
    address = f"/api/uploads/{promise(phone, item).json()['id']}"
    assert promise(phone, item, NO_PICTURE).status_code == 409
    assert send(phone, address, CONTENT + b"?", 0).status_code == 413
    assert send(phone, address, CONTENT[:-1] + b"?", 0).json()["offset"] == 0
    assert phone.patch(address, CONTENT).json()["fields"].keys() == {"Upload-Offset"}
    settings.MAX_PHOTOS = 1
    assert "at most 1 photo" in promise(phone, item, key="k2").json()["error"]
    phone.force_login(art)
    assert (phone.get(address).status_code, send(phone, address, b"x", 0).status_code) == (404, 404)
    assert phone.get(f"/api/uploads/{uuid.uuid4()}").status_code == 404


def test_what_is_no_photo_is_given_up_and_told_why(item, phone):
    address = f"/api/uploads/{promise(phone, item, NO_PICTURE).json()['id']}"
    told = send(phone, address, NO_PICTURE, 0)
    assert (told.status_code, told.json()["state"]) == (200, "given_up")
    assert told.json()["fault"] == phone.get(address).json()["fault"] != ""


def test_a_photo_is_given_up_by_hand_and_can_be_promised_again(item, phone):
    address = f"/api/uploads/{promise(phone, item).json()['id']}"
    assert phone.delete(address).json()["fault"] == "Mark stopped waiting for it."
    assert send(phone, address, CONTENT, 0).json()["state"] == "given_up"
    assert Upload.objects.get().state == "given_up"
    assert promise(phone, item).json()["id"] in address
    assert send(phone, address, CONTENT, 0).json()["state"] == "stored"


def test_a_full_disk_is_told_as_such_and_keeps_what_arrived(item, phone, monkeypatch):
    address = f"/api/uploads/{promise(phone, item).json()['id']}"
    send(phone, address, CONTENT[:10], 0)

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        told = send(phone, address, CONTENT[10:], 10)
    assert (told.status_code, "disk is full" in told.json()["error"]) == (507, True)
    assert phone.get(address).json()["offset"] == 10


def renumbered(item, number="W-7"):
    """A reviewer gives the item another number while photos are on the way."""
    WorkItem.objects.filter(pk=item.pk).update(number=number)


def test_a_photo_promised_before_its_item_got_another_number_still_finds_it(item, phone):
    before = promise(phone, item).json()
    renumbered(item)
    again = promise(phone, item)
    assert (again.status_code, again.json()) == (201, before | {"item": "W-7"})


def test_a_photo_promised_with_the_id_of_its_item_goes_to_it_whoever_has_the_number(item, phone, mark):
    renumbered(item)
    submit(draft(number=item.number), mark)
    assert promise(phone, item, item_id=item.pk).json()["item"] == "W-7"


def test_the_key_of_somebody_elses_photo_leads_nobody_to_its_item(item, phone, art):
    promise(phone, item)
    renumbered(item)
    phone.force_login(art)
    assert promise(phone, item).status_code == 404
