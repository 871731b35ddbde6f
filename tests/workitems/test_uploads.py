"""Promises of photos: kept over cut connections, by whichever session is first, and given up with a reason."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.http import UnreadablePostError

from perf.clock import shifted
from tests.workitems.photo_files import NO_PICTURE, picture
from workitems import photos, uploads
from workitems.models import Photo, Upload, WorkItem
from workitems.uploads import Promise
from workitems.workflow import Status, TransitionRefused, move

pytestmark = pytest.mark.django_db
CONTENT = picture(400, 300)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    """A storage of the test's own; answers with its files."""
    settings.MEDIA_ROOT = tmp_path
    return lambda: sorted(path for path in tmp_path.rglob("*") if path.is_file())


class Cut(io.BytesIO):
    """A body whose connection breaks after what it holds."""

    def read(self, size=-1):
        piece = super().read(size)
        if not piece:
            raise UnreadablePostError("cut")
        return piece


def said(content=CONTENT, key="k1", **more):
    return Promise(key=key, size=len(content), sha256=hashlib.sha256(content).hexdigest(), **more)


def append(upload, piece, offset=None):
    begin = uploads.arrived(upload) if offset is None else offset
    return uploads.append(upload, begin, io.BytesIO(piece), len(piece))


def counts():
    return WorkItem.objects.values_list("photo_count", "photos_due").get()


def test_pieces_become_the_photo_that_was_promised(item, mark, media):
    upload = uploads.promise(item, said(name="IMG.jpg", caption="Plate", position=3), by=mark)
    assert counts() == (0, 1)
    append(upload, CONTENT[:100])
    done = append(uploads.find(upload.pk, mark), CONTENT[100:])
    photo = Photo.objects.get()
    assert (done.state, done.photo, uploads.arrived(done)) == ("stored", photo, len(CONTENT))
    assert [file.read_bytes() for file in media()] == [CONTENT]
    assert (photo.caption, photo.position, photo.original_name, photo.uploaded_by) == ("Plate", 3, "IMG.jpg", mark)
    assert counts() == (1, 0)


@pytest.mark.parametrize("kept", [0, 1, 70_000, len(CONTENT)])
def test_what_arrived_before_a_cut_is_kept_and_the_rest_goes_on_from_there(item, mark, kept):
    content = CONTENT + b"\xff" * 100_000 if kept > len(CONTENT) else CONTENT
    upload = uploads.promise(item, said(content), by=mark)
    uploads.append(upload, 0, Cut(content[:kept]), len(content))
    upload = uploads.find(upload.pk, mark)
    assert uploads.arrived(upload) == kept
    assert kept == len(content) or append(upload, content[kept:]).state == "stored"


def test_a_piece_that_begins_elsewhere_is_told_where_to_go_on(item, mark):
    upload = uploads.promise(item, said(), by=mark)
    append(upload, CONTENT[:50])
    for offset in (0, 49, 51):
        with pytest.raises(uploads.WrongOffset) as refused:
            append(upload, CONTENT[offset:], offset)
        assert refused.value.offset == 50
    with pytest.raises(uploads.MoreThanPromised):
        append(upload, CONTENT)
    assert uploads.arrived(upload) == 50


def test_a_connection_that_ends_late_takes_nothing_back(item, mark):
    upload = uploads.promise(item, said(), by=mark)

    class Slow(io.BytesIO):
        def read(self, size=-1):
            if self.tell() == 0:
                append(uploads.find(upload.pk, mark), CONTENT[:200])
                return super().read(20)
            raise UnreadablePostError("cut at last")

    uploads.append(upload, 0, Slow(CONTENT), len(CONTENT))
    assert uploads.arrived(uploads.find(upload.pk, mark)) == 200
    assert append(uploads.find(upload.pk, mark), CONTENT[200:]).state == "stored"


def test_a_promise_is_one_however_often_it_is_made_and_whoever_keeps_it(item, mark):
    first = uploads.promise(item, said(), by=mark)
    again = uploads.promise(item, said(caption="Late words"), by=mark)
    assert (again.pk, counts()) == (first.pk, (0, 1))
    append(again, CONTENT)
    assert append(first, CONTENT, 0).pk == uploads.promise(item, said(), by=mark).pk
    assert Photo.objects.get().caption == "Late words"
    with pytest.raises(uploads.KeyTaken):
        uploads.promise(item, said(NO_PICTURE), by=mark)


def test_a_photo_that_came_another_way_keeps_the_promise(item, mark):
    photo = photos.add(item, ContentFile(CONTENT, name="a.jpg"), by=mark, key="k1")
    upload = uploads.promise(item, said(), by=mark)
    assert (upload.state, upload.photo, counts()) == ("stored", photo, (1, 0))
    with pytest.raises(uploads.KeyTaken):
        uploads.promise(item, said(NO_PICTURE), by=mark)


def test_what_is_not_what_was_promised_begins_again(item, mark, media):
    upload = uploads.promise(item, said(), by=mark)
    with pytest.raises(photos.NotAsPromised):
        append(upload, CONTENT[:-1] + b"?")
    upload = uploads.find(upload.pk, mark)
    assert (upload.state, uploads.arrived(upload), media()) == ("open", 0, [])
    assert append(upload, CONTENT).state == "stored"


def test_what_is_no_photo_is_given_up_with_the_reason_and_leaves_no_file(item, mark, media, events):
    upload = uploads.promise(item, said(NO_PICTURE), by=mark)
    done = append(upload, NO_PICTURE)
    assert (done.state, bool(done.fault), counts()) == ("given_up", True, (0, 0))
    assert events[-1][1] == "workitems.upload_give_up"
    assert not any(path.is_file() for path in media())


def test_a_disk_that_was_replaced_asks_for_the_photo_again(item, mark):
    upload = uploads.promise(item, said(), by=mark)
    append(upload, CONTENT[:500])
    uploads.path_of(upload).unlink()
    upload = uploads.find(upload.pk, mark)
    assert uploads.arrived(upload) == 0
    assert append(upload, CONTENT).state == "stored"


def test_promises_need_room_and_the_right_but_outlive_both(item, mark, art, dana, settings):
    settings.MAX_PHOTOS = 1
    upload = uploads.promise(item, said(), by=mark)
    with pytest.raises(photos.TooManyPhotos):
        uploads.promise(item, said(key="k2"), by=mark)
    with pytest.raises(PermissionDenied):
        uploads.promise(item, said(), by=art)
    with pytest.raises(Upload.DoesNotExist):
        uploads.find(upload.pk, art)
    settings.MAX_PHOTO_BYTES = len(CONTENT) - 1
    with pytest.raises(photos.PhotoTooLarge):
        uploads.promise(item, said(key="k3"), by=mark)
    settings.MAX_PHOTO_BYTES = len(CONTENT)
    move(item, Status.IN_REVIEW, by=dana, version=1)
    assert append(uploads.find(upload.pk, mark), CONTENT).state == "stored"


def test_an_item_is_complete_only_with_every_promised_photo(item, mark, dana):
    upload = uploads.promise(item, said(), by=mark)
    move(item, Status.IN_REVIEW, by=dana, version=1)
    item.refresh_from_db()
    with pytest.raises(TransitionRefused):
        move(item, Status.COMPLETED_REVIEW, by=dana, version=2)
    uploads.withdraw(upload, by=dana)
    item.refresh_from_db()
    move(item, Status.COMPLETED_REVIEW, by=dana, version=2)
    upload.refresh_from_db()
    assert upload.fault == "Dana stopped waiting for it."


def test_after_seven_days_it_is_given_up_and_its_device_may_begin_again(item, mark, media):
    upload = uploads.promise(item, said(), by=mark)
    append(upload, CONTENT[:10])
    with shifted(timedelta(days=6, hours=23)):
        assert uploads.sweep() == (0, 0)
    with shifted(timedelta(days=7, minutes=1)):
        assert uploads.sweep() == (0, 1)
        upload.refresh_from_db()
        assert (upload.state, upload.fault, counts()) == ("given_up", uploads.EXPIRED, (0, 0))
        again = uploads.promise(item, said(), by=mark)
        assert (again.pk, uploads.arrived(again), again.fault) == (upload.pk, 0, "")
        assert append(again, CONTENT).state == "stored"


def test_the_sweep_finishes_what_arrived_whole_and_clears_what_nobody_needs(item, mark, media):
    upload = uploads.promise(item, said(), by=mark)
    left = uploads.path_of(upload)
    left.parent.mkdir()
    left.write_bytes(CONTENT)  # as of a process that was killed before it made the photo
    Upload.objects.update(offset=len(CONTENT))
    Path(left.parent / "gone").write_bytes(b"piece")
    with shifted(timedelta(minutes=3)):
        assert uploads.sweep() == (1, 0)
    assert [file.read_bytes() for file in media()] == [CONTENT]
    assert Photo.objects.get().upload == upload
